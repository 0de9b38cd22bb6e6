import { existsSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs, leftovers } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { type Line, openLine } from '../helpers/line.ts';
import type { Fault } from '../helpers/line-fault.ts';
import { asFetched } from '../helpers/refs.ts';
import { cloneBare, copyEarlier, generateHistory, setOrigin } from '../helpers/repository.ts';

// Lines that break while bytes flow, and users who lose patience.

/** Bytes after which whole packets of the pack have come, and the end is still far. */
const MIDDLE = { clone: 150_000, fetch: 70_000 };
const IMPATIENT = ['-c', 'gam.connectTimeout=1s', '-c', 'gam.lowSpeedTime=1s'];

let bed: Bed;
let canonical: HttpServer;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'served/repo', { commits: 300, blobSize: 3000 });
  await cloneBare(bed.sandbox, 'served/repo', 'mirrors/fresh');
  await copyEarlier(bed.sandbox, 'served/repo', 'mirrors/stale', 'main~40');
  await copyEarlier(bed.sandbox, 'served/repo', 'earlier.git', 'main~120');
  canonical = await startHttpServer({
    root: bed.sandbox.path('served'),
    env: bed.sandbox.serverEnv,
  });
});

beforeEach(() => bed.forgetMirrors());
afterAll(async () => {
  await canonical.close();
  await bed.close();
});

async function lineTo(port: number, fault: Fault | null): Promise<Line> {
  const line = await openLine({ to: port, ...(fault === null ? {} : { fault }) });
  onTestFinished(() => line.close());
  return line;
}

/** A clone of the earlier state whose remote is canonical behind gam. */
async function earlierClone(name: string, url: string, mirror: string): Promise<void> {
  const { sandbox } = bed;
  await sandbox.git(['clone', '-q', 'earlier.git', name]);
  setOrigin(sandbox, name, { url: `mirror::${url}`, mirrorUrl: mirror });
}

describe('a mirror behind a bad line costs nothing but time', () => {
  test.each<[string, Fault]>([
    ['refuses', { kind: 'refuse' }],
    ['resets at once', { kind: 'reset' }],
    ['resets in the middle', { kind: 'reset', after: MIDDLE.clone }],
    ['hangs up in the middle', { kind: 'cut', after: MIDDLE.clone }],
    ['hangs up before the answer', { kind: 'cut', after: 0 }],
    ['is silent from the start', { kind: 'stall' }],
    ['falls silent in the middle', { kind: 'stall', after: MIDDLE.clone }],
    ['drips', { kind: 'drip', every: 20 }],
    ['turns bits', { kind: 'corrupt', at: MIDDLE.clone }],
  ])('it %s: clone, and the second mirror serves', async (name, fault) => {
    const { sandbox } = bed;
    const line = await lineTo(bed.mirrors.port, fault);
    const into = name.replaceAll(' ', '-');
    const mirrors = [`http://127.0.0.1:${line.port}/fresh`, bed.mirror('stale')];
    const config = mirrors.flatMap((url) => ['-c', `remote.origin.mirrorUrl=${url}`]);
    bed.packs.forget();
    const url = `mirror::${canonical.url}/repo`;
    // One that is silent for long enough loses the race, and did not even fail; no other is to be slower than it.
    const loses = /silent from the start|drips/.test(name);
    const patience = loses
      ? IMPATIENT
      : ['-c', 'gam.lowSpeedTime=1s', '-c', 'gam.connectTimeout=100s', '-c', 'gam.raceDelay=100s'];
    const { stderr } = await sandbox.git([...patience, 'clone', ...config, url, into]);
    await expectSameRefs(sandbox, into, 'served/repo');
    await expectClean(sandbox, into);
    await expectNoChildren(sandbox);
    const failed = stderr.match(/^gam: passing over /gm) ?? [];
    expect(failed.length).toBeLessThan(2);
    if (!loses) expect(failed).toHaveLength(1);
    expect(bed.packs.sentFrom('mirrors/stale')).toBeGreaterThan(bed.packs.sentFrom('served'));
  });
});

describe('canonical behind a bad line', () => {
  test('what a mirror brought is kept, and the next fetch goes on from there', async () => {
    const { sandbox } = bed;
    const line = await lineTo(canonical.port, null);
    await earlierClone('kept', `http://127.0.0.1:${line.port}/repo`, bed.mirror('stale'));
    // Canonical hangs up on the request for objects: info/refs and ls-refs take less.
    canonical.answer = (request, response) => {
      const asked = request.method === 'POST' && bed.packs.sentFrom('mirrors') > 0;
      if (asked) response.destroy();
      return asked;
    };
    bed.packs.forget();
    const failed = await sandbox.git(['fetch'], { cwd: 'kept', expectStatus: null });
    canonical.answer = null;
    expect(failed.status).not.toBe(0);
    expect(failed.stderr).toMatch(/^gam: .*kept, unverified, under refs\/mirror\//m);
    const staged = await sandbox.git(['for-each-ref', 'refs/mirror'], { cwd: 'kept' });
    expect(staged.stdout).toContain('/heads/main');
    await expectNoChildren(sandbox);

    bed.packs.forget();
    await sandbox.git(['fetch'], { cwd: 'kept' });
    await expectSameRefs(sandbox, 'kept', 'served/repo', asFetched);
    await expectClean(sandbox, 'kept');
    expect(bed.packs.sentFrom('mirrors')).toBeLessThan(100);
  });

  test('an answer that is cut off fails the fetch as it does plainly, and leaves a sound repository', async () => {
    const { sandbox } = bed;
    const line = await lineTo(canonical.port, { kind: 'cut', after: 4000 });
    const url = `http://127.0.0.1:${line.port}/repo`;
    await earlierClone('cut-off', url, bed.mirror('missing'));
    await sandbox.git(['fetch'], { cwd: 'cut-off', expectStatus: 128 });
    await expectNoChildren(sandbox);
    line.setFault(null);
    await sandbox.git(['fetch'], { cwd: 'cut-off' });
    await expectSameRefs(sandbox, 'cut-off', 'served/repo', asFetched);
    await expectClean(sandbox, 'cut-off');
  });
});

describe('interrupted while a mirror works', () => {
  test.each<[NodeJS.Signals]>([['SIGINT'], ['SIGTERM'], ['SIGHUP']])(
    '%s to everyone at the terminal: a clone leaves nothing, and nobody lives on',
    async (signal) => {
      const { sandbox } = bed;
      const line = await lineTo(bed.mirrors.port, { kind: 'stall', after: MIDDLE.clone });
      const config = ['-c', `remote.origin.mirrorUrl=http://127.0.0.1:${line.port}/fresh`];
      const args = ['clone', ...config, `mirror::${canonical.url}/repo`, signal];
      const running = sandbox.start('git', args);
      await line.reached(MIDDLE.clone);
      running.kill(signal);
      expect(await running.ended).toMatchObject({ signal });
      await expectNoChildren(sandbox);
      expect(existsSync(sandbox.path(signal))).toBe(false);
    },
  );

  test('SIGTERM to git alone: the helper sees that git is gone', async () => {
    const { sandbox } = bed;
    const line = await lineTo(bed.mirrors.port, { kind: 'stall', after: MIDDLE.fetch });
    await earlierClone('alone', `${canonical.url}/repo`, `http://127.0.0.1:${line.port}/fresh`);
    const running = sandbox.start('git', ['fetch'], { cwd: 'alone' });
    await line.reached(MIDDLE.fetch);
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ signal: 'SIGTERM' });
    await expectNoChildren(sandbox);
    await expectClean(sandbox, 'alone');
  });

  test('SIGKILL to all: the next fetch cleans up and completes', async () => {
    const { sandbox } = bed;
    const line = await lineTo(bed.mirrors.port, { kind: 'stall', after: MIDDLE.fetch });
    await earlierClone('killed', `${canonical.url}/repo`, `http://127.0.0.1:${line.port}/fresh`);
    const running = sandbox.start('git', ['fetch'], { cwd: 'killed' });
    await line.reached(MIDDLE.fetch);
    running.kill('SIGKILL');
    await running.ended;
    expect(await leftovers(sandbox, 'killed', 0)).not.toEqual([]);
    line.setFault(null);
    await sandbox.git(['fetch'], { cwd: 'killed' });
    await expectSameRefs(sandbox, 'killed', 'served/repo', asFetched);
    await expectClean(sandbox, 'killed');
    await expectNoChildren(sandbox);
  });
});
