import { renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GROUP_REF } from '../../../src/replica/group.ts';
import { openReplica } from '../../../src/replica/replica.ts';
import type { GroupStatus } from '../../../src/replica/status.ts';
import { CURRENT } from '../../helpers/current-member.ts';
import { Connections, listen } from '../../helpers/listening.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';
import { foundStatusGroup, type StatusGroup } from '../../helpers/status-group.ts';

// `gam replica status` and `gam replica locks`, at real members.

let sandbox: Sandbox;
let group: StatusGroup;

beforeEach(async () => {
  sandbox = makeSandbox();
  group = await foundStatusGroup(sandbox, { eu: 'primary', us: 'primary', asia: 'follower' });
});

afterEach(() => sandbox.close());

const repo = (id: string) => ['--repo', sandbox.path(`${id}.git`)];
const memberOf = ({ members }: GroupStatus, id: string) => members.find((one) => one.id === id);
const statesOf = ({ members }: GroupStatus) => Object.fromEntries(members.map((one) => [one.id, one.state]));

/** Waits until what goes on behind pushes is done. */
const settled = () =>
  expect.poll(async () => (await group.status('eu')).code, { timeout: 60_000, interval: 200 }).toBe(0);

const headOf = async (id: string) =>
  (await sandbox.git(['rev-parse', 'main'], { cwd: `${id}.git` })).stdout.trim();

describe('the status of a group', () => {
  test('is well when all have everything: status 0, one JSON document of these keys, and nothing with -q', async () => {
    await group.push('us');
    await settled();
    const { status } = await group.status('us');
    expect(statesOf(status)).toEqual({ eu: 'current', us: 'current', asia: 'current' });
    expect(Object.keys(status)).toEqual(
      expect.arrayContaining(['group', 'self', 'coordinator', 'members', 'locks', 'hooks', 'diverged']),
    );
    expect(status.coordinator).toEqual({
      kind: 'git',
      arbiter: 'eu',
      healthy: true,
      reason: null,
      latencyMs: expect.any(Number) as number,
    });
    expect(memberOf(status, 'asia')).toEqual({
      ...CURRENT,
      id: 'asia',
      url: sandbox.path('asia.git'),
      role: 'follower',
      refs: [],
      refsUnlike: null,
      queuedMs: null,
      lastFailure: null,
      apart: [],
      latencyMs: expect.any(Number) as number,
      lastCurrent: expect.stringMatching(/^\d{4}-.*Z$/) as string,
    });
    const quiet = await sandbox.run('gam', ['replica', 'status', '-q', ...repo('us')]);
    expect([quiet.stdout, quiet.stderr]).toEqual(['', '']);
    const piped = await sandbox.run('gam', ['replica', 'status', ...repo('us')]);
    expect(piped.stdout).toMatch(/^demo, seen from us\ncoordinator: git, arbiter eu; answers in \d+ ms\n/);
    expect(piped.stdout).toMatch(/^asia {4}follower {2}current/m);
  });

  test('tells who is down, why, for how long at least, and what is queued for it', async () => {
    await settled();
    renameSync(sandbox.path('asia.git'), sandbox.path('asia.away'));
    await group.push('eu');
    const first = await group.status('eu');
    const again = await group.status('eu');
    expect([first.code, statesOf(again.status)]).toEqual([
      1,
      { eu: 'current', us: 'current', asia: 'unreachable' },
    ]);
    const asia = memberOf(again.status, 'asia');
    expect(asia).toMatchObject({ refsBehind: null, refs: null, queued: 1 });
    expect(asia?.reason).toMatch(/^cannot be reached: .*does not appear to be a git repository/);
    expect(asia?.since).toBe(memberOf(first.status, 'asia')?.since);
    expect(Date.parse(asia?.lastCurrent ?? '')).toBeLessThanOrEqual(Date.parse(asia?.since ?? ''));
    const quiet = await sandbox.run('gam', ['replica', 'status', '-q', ...repo('eu')], { expectStatus: 1 });
    expect([quiet.stdout, quiet.stderr]).toEqual(['', '']);
  });

  test('tells who is behind, at which refs, and since when it was first seen to be', async () => {
    const old = await headOf('asia');
    const meant = await group.push('eu');
    await settled();
    await group.moveRef('asia', 'refs/heads/main', old);
    const first = memberOf((await group.status('us')).status, 'asia');
    const again = memberOf((await group.status('us')).status, 'asia');
    const lag = { ref: 'refs/heads/main', has: old, meant, diverged: false };
    expect(first).toMatchObject({ state: 'behind', refsBehind: 1, refsDiverged: 0, refs: [lag] });
    expect(again?.since).toBe(first?.since);
    expect(again?.refs?.[0]?.since).toBe(first?.since);
    const told = await sandbox.run('gam', ['replica', 'status', ...repo('us')], { expectStatus: 1 });
    expect(told.stdout).toMatch(/^asia {4}follower {2}1 behind {2}\d+ s/m);
    expect(told.stdout).toContain(
      `asia: refs/heads/main is ${old.slice(0, 10)}, should be ${meant.slice(0, 10)}, for`,
    );
  });

  test('tells who has what the group never had', async () => {
    const strange = await sandbox.git(['commit-tree', '-m', 'past gam', 'main^{tree}'], { cwd: 'asia.git' });
    await group.moveRef('asia', 'refs/heads/main', strange.stdout.trim());
    const { code, status } = await group.status('us');
    expect([code, statesOf(status)]).toEqual([1, { eu: 'current', us: 'current', asia: 'diverged' }]);
    expect(memberOf(status, 'asia')).toMatchObject({
      refsDiverged: 1,
      refs: [{ ref: 'refs/heads/main', has: strange.stdout.trim(), diverged: true }],
    });
    // And of itself, where the object is at hand.
    expect(memberOf((await group.status('asia')).status, 'asia')?.state).toBe('diverged');
  });

  test('counts the document of the group: who has not heard of a change is behind', async () => {
    await settled();
    const other = await sandbox.git(['hash-object', '-w', '--stdin'], { cwd: 'asia.git', input: 'old\n' });
    await group.moveRef('asia', GROUP_REF, other.stdout.trim());
    const asia = memberOf((await group.status('eu')).status, 'asia');
    expect(asia?.refs?.map(({ ref }) => ref)).toEqual([GROUP_REF]);
  });

  test('shows locks that are held, with holder and lease', async () => {
    await settled();
    const replica = await openReplica(sandbox.path('us.git'), { env: sandbox.env, warn: () => undefined });
    const coordinator = await replica?.openCoordinator();
    const lease = await coordinator?.lock(['refs/heads/main'], {
      holder: 'us',
      transaction: 'held',
      signal: AbortSignal.timeout(6e4),
    });
    const lock = { ref: 'refs/heads/main', holder: 'us', transaction: 'held', leaseMs: 15_000 };
    try {
      const { code, status } = await group.status('eu');
      expect([code, status.locks]).toEqual([0, [expect.objectContaining(lock)]]);
      const locks = await sandbox.run('gam', ['replica', 'locks', '--json', ...repo('eu')]);
      expect(JSON.parse(locks.stdout)).toEqual([expect.objectContaining(lock)]);
      const told = await sandbox.run('gam', ['replica', 'locks', ...repo('eu')]);
      expect(told.stdout).toMatch(/^lock on refs\/heads\/main, held by us since \d+ (s|min), lease 15 s\n$/);
      expect((await sandbox.run('gam', ['replica', 'locks', '-q', ...repo('eu')])).stdout).toBe('');
    } finally {
      await lease?.release();
      await coordinator?.close();
    }
    expect((await group.status('eu')).status.locks).toEqual([]);
  });

  test('without the coordinator tells who answers, and who has other refs; nobody is called current', async () => {
    await settled();
    await group.moveRef('asia', 'refs/heads/more', await headOf('asia'));
    renameSync(sandbox.path('eu.git'), sandbox.path('eu.away'));
    const { code, status } = await group.status('us');
    expect([code, statesOf(status)]).toEqual([1, { eu: 'unreachable', us: 'unknown', asia: 'unknown' }]);
    expect(status.coordinator).toMatchObject({ healthy: false, latencyMs: null });
    expect(status.coordinator.reason).toMatch(/does not appear to be a git repository/);
    expect(status.locks).toBeNull();
    expect([memberOf(status, 'us')?.refsUnlike, memberOf(status, 'asia')?.refsUnlike]).toEqual([0, 1]);
  });

  test('waits for all silent members at the same time, and for none longer than replica.memberTimeout', async () => {
    await settled();
    // git reads the greeting of a git:// server for as long as there is none.
    const connections = new Connections();
    let [open, most] = [0, 0];
    const server = createServer((socket) => {
      connections.add(socket);
      open += 1;
      most = Math.max(most, open);
      socket.once('close', () => {
        open -= 1;
      });
    });
    const port = await listen(server);
    try {
      await group.set('us', 'replica.memberTimeout', '1500ms');
      for (const id of ['eu', 'asia'])
        await group.set('us', `replica.${id}.url`, `git://127.0.0.1:${port}/${id}`);
      const { code, status } = await group.status('us');
      expect(code).toBe(1);
      const silent = { state: 'unreachable', reason: 'no answer for 1.5 s' };
      expect(memberOf(status, 'eu')).toMatchObject(silent);
      expect(memberOf(status, 'asia')).toMatchObject(silent);
      // The arbiter is one of them: this member itself could still be asked.
      expect(status.coordinator).toMatchObject({ healthy: false, reason: 'no answer for 1.5 s' });
      expect(memberOf(status, 'us')).toMatchObject({ state: 'unknown', refsUnlike: 0 });
      expect(most).toBeGreaterThanOrEqual(2);
    } finally {
      await connections.close(server);
    }
  });

  test('shows no password, however many members are down', async () => {
    await settled();
    await group.set('us', 'replica.asia.url', 'http://user:geheim@127.0.0.1:1/asia.git');
    // More members than node takes listeners for without a warning.
    for (let n = 1; n <= 12; n += 1) {
      await group.set('us', `replica.more-${n}.url`, 'http://user:geheim@127.0.0.1:1/more.git');
      await group.set('us', `replica.more-${n}.role`, 'follower');
    }
    const { status } = await group.status('us');
    expect(memberOf(status, 'asia')).toMatchObject({
      state: 'unreachable',
      url: 'http://127.0.0.1:1/asia.git',
    });
    const told = await sandbox.run('gam', ['replica', 'status', ...repo('us')], { expectStatus: 1 });
    expect(told.stderr).toBe('');
    expect(JSON.stringify(status) + told.stdout).not.toContain('geheim');
  });
});
