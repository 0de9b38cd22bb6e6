import { chmodSync, existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilNothing } from '../../helpers/bystanders.ts';
import { fsckComplaints } from '../../helpers/evidence.ts';
import { ReplicaGroup } from '../../helpers/replica-group.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: ReplicaGroup;

beforeAll(async () => {
  sandbox = makeSandbox();
  group = await ReplicaGroup.found(sandbox, { eu: 'primary', co: 'follower', mo: 'follower' });
});

afterAll(() => sandbox.close());

const diverged = (id: string) => group.refs(id, ['refs/gam/diverged']);
const runOnce = (id = 'eu') =>
  group.gam(['replica', 'run', '--once', '--repo', group.url(id)], { expectStatus: null });
const co = async () => (await group.status()).members.find(({ id }) => id === 'co');

/** Has something happen before a member's proc-receive hook is asked. */
function before(id: string, script: string): () => void {
  const hook = `${group.url(id)}/hooks/proc-receive`;
  renameSync(hook, `${hook}.own`);
  writeFileSync(hook, `#!/bin/sh\n${script}\nexec "$0.own" "$@"\n`);
  chmodSync(hook, 0o755);
  return () => renameSync(`${hook}.own`, hook);
}

test('branches, tags and notes are followed, also when they are rewritten and deleted; nothing else is', async () => {
  const one = await group.commit();
  const two = await group.commit(one);
  await sandbox.git(['tag', '-a', '-m', 'first', 'v1', one], { cwd: 'work' });
  await sandbox.git(['notes', 'add', '-m', 'seen', one], { cwd: 'work' });
  await group.push([`${two}:refs/heads/main`, `${one}:refs/heads/topic`, 'v1', 'refs/notes/commits']);
  await group.push([`${one}:refs/other/thing`, `${one}:refs/mirror/site/heads/main`]);
  await group.follows('co');
  expect((await group.refs('co')).size).toBe(4);

  const other = await group.commit();
  await group.push([`+${other}:refs/heads/main`, `+${other}:refs/tags/v1`]);
  await group.push([':refs/heads/topic', ':refs/notes/commits']);
  await group.follows('co');
  await group.resting();
  expect(await group.refs('co')).toEqual(
    new Map([
      ['refs/heads/main', other],
      ['refs/tags/v1', other],
    ]),
  );
  expect([...(await group.refs('co', ['refs/other', 'refs/mirror'])).keys()]).toEqual([]);
  // What a push has replaced was not written there by a stranger.
  expect(await diverged('co')).toEqual(new Map());
  expect(group.log('eu')).not.toContain('written to');
  expect(await fsckComplaints(sandbox, 'co.git')).toEqual([]);
});

// git makes no a/b in a transaction that deletes a, and one that failed as a whole was tried for ever.
test('a branch may become a folder of branches, and a folder a branch, while a follower is away', async () => {
  const one = await group.commit();
  await group.push([`${one}:refs/heads/a`, `${one}:refs/heads/z/1`]);
  await group.follows('co');
  renameSync(group.url('co'), sandbox.path('away'));
  await group.push([':refs/heads/a', ':refs/heads/z/1']);
  await group.push([`${one}:refs/heads/a/b`, `${one}:refs/heads/z`]);
  renameSync(sandbox.path('away'), group.url('co'));
  await group.push([`${one}:refs/heads/next`]);
  await group.follows('co');
  expect([...(await group.refs('co')).keys()]).toEqual(
    expect.arrayContaining(['refs/heads/a/b', 'refs/heads/z']),
  );
});

test('what nine pushes brought while a follower was away is one note, is told, and comes with the next push', async () => {
  await group.resting();
  renameSync(group.url('co'), sandbox.path('away'));
  let tip = await group.commit();
  for (let n = 1; n <= 9; n += 1) {
    tip = await group.commit(tip);
    await group.push([`+${tip}:refs/heads/busy`, `${tip}:refs/tags/t${n % 3}`, '--force']);
  }
  await group.follows('mo');
  const queue = `${group.url('eu')}/gam/replica/queue/co`;
  expect(await untilNothing(() => readdirSync(queue).slice(1), 60_000)).toEqual([]);
  const told = await co();
  expect(told).toMatchObject({ state: 'unreachable', queued: 4 });
  expect(told?.queuedMs).toBeGreaterThan(0);
  expect(told?.lastFailure?.reason).toMatch(/co\.git cannot be reached/);
  const lines = await group.gam(['replica', 'status', '--repo', group.url('eu')], { expectStatus: 1 });
  expect(lines.stdout).toMatch(/^co: cannot be reached: .*co\.git/m);
  expect(lines.stdout).toMatch(/^co +follower +unreachable .* 4, \d+ s /m);

  renameSync(sandbox.path('away'), group.url('co'));
  await group.push([`${tip}:refs/heads/again`]);
  await group.follows('co');
  await group.resting();
  expect(await co()).toMatchObject({ state: 'current', queued: 0, lastFailure: null });
});

test('nothing is lost when the worker is killed in the middle, and a member while it receives', async () => {
  await group.resting();
  const gate = sandbox.path('gate');
  writeFileSync(gate, '');
  const own = before('co', `: > "${gate}.seen"\nwhile [ -e "${gate}" ]; do sleep 0.05; done`);
  await group.push([`${await group.commit()}:refs/heads/killed`]);
  expect(await untilNothing(() => (existsSync(`${gate}.seen`) ? [] : ['seen']), 60_000)).toEqual([]);
  await group.killWorkers();
  rmSync(gate);
  own();
  expect((await runOnce()).status).toBe(0);
  expect(await group.refs('co')).toEqual(await group.refs('eu'));

  const once = sandbox.path('once');
  writeFileSync(once, '');
  const back = before('co', `if rm "${once}" 2>/dev/null; then kill -9 $PPID; fi`);
  await group.push([`${await group.commit()}:refs/heads/killed-there`]);
  await group.follows('co');
  expect(existsSync(once)).toBe(false);
  back();
  expect(await fsckComplaints(sandbox, 'co.git')).toEqual([]);
});

test('a follower that is silent holds up no other', async () => {
  await group.resting();
  const gate = sandbox.path('gate');
  writeFileSync(gate, '');
  const own = before('co', `while [ -e "${gate}" ]; do sleep 0.05; done`);
  await group.push([`${await group.commit()}:refs/heads/first`]);
  await group.follows('mo');
  await group.push([`${await group.commit()}:refs/heads/second`]);
  await group.follows('mo');
  expect((await group.refs('co')).has('refs/heads/first')).toBe(false);
  rmSync(gate);
  own();
  await group.follows('co');
});

test('after all processes are gone, one run sends all; also what nobody could note any more', async () => {
  await group.resting();
  renameSync(group.url('co'), sandbox.path('away'));
  await group.push([`${await group.commit()}:refs/heads/before`]);
  await group.killWorkers();
  const failed = await runOnce();
  expect(failed.status).toBe(1);
  expect(failed.stderr).toMatch(/sending to co: .*cannot be reached/);
  renameSync(sandbox.path('away'), group.url('co'));
  expect((await runOnce()).status).toBe(0);
  expect(await group.refs('co')).toEqual(await group.refs('eu'));

  const queue = `${group.url('eu')}/gam/replica/queue`;
  renameSync(group.url('co'), sandbox.path('away'));
  await group.push([`${await group.commit()}:refs/heads/unnoted`]);
  await group.killWorkers();
  rmSync(queue, { recursive: true });
  renameSync(sandbox.path('away'), group.url('co'));
  expect((await runOnce()).status).toBe(0);
  expect(await group.refs('co')).toEqual(await group.refs('eu'));
});

test('what somebody wrote to a follower is kept there and told, each time', async () => {
  await group.resting();
  const main = await group.commit();
  await group.push([`+${main}:refs/heads/main`]);
  await group.follows('co');
  await group.resting();
  const foreign = await group.commit(main);
  for (const time of [1, 2]) {
    await sandbox.git(['fetch', '--quiet', sandbox.path('work'), foreign], { cwd: 'co.git' });
    const write = ['-c', 'core.hooksPath=/dev/null', 'update-ref', 'refs/heads/main', foreign];
    await sandbox.git(write, { cwd: 'co.git' });
    await sandbox.git([...write.slice(0, 3), 'refs/heads/mine', foreign], { cwd: 'co.git' });
    await group.push([`${main}:refs/heads/time-${time}`]);
    await group.follows('co');
    await group.resting();
  }
  expect((await group.refs('co')).get('refs/heads/main')).toBe(main);
  const kept = await diverged('co');
  expect([...kept.values()]).toEqual([foreign, foreign]);
  expect((await group.status('co')).diverged.toSorted()).toEqual([...kept.keys()].toSorted());
  const told = /co was written to at refs\/heads\/(main|mine): what stood there is kept/g;
  expect(group.log('eu').match(told)).toHaveLength(4);
});

test('a push to a follower is refused, with the URL of a primary', async () => {
  const { stderr } = await group.push([`${await group.commit()}:refs/heads/x`], 'co', { expectStatus: 1 });
  expect(stderr).toContain(`co follows the others and takes no pushes; push to ${group.url('eu')}`);
});
