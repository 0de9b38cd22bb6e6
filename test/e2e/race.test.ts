import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { closedPort } from '../helpers/listening.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, copyEarlier, generateHistory, setOrigin } from '../helpers/repository.ts';
import { copyRepository } from '../helpers/scene.ts';

// Mirrors run side by side; nobody waits for one that is silent, slow or behind.

let bed: Bed;
/** A second web server, whose answers can be held back. */
let slow: HttpServer;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'canonical', { commits: 200 });
  await copyEarlier(sandbox, 'canonical', 'earlier.git', 'main~20');
  await sandbox.git(['clone', '-q', 'earlier.git', 'earlier']);
  await addCommits(sandbox, 'canonical', 20);
  await cloneBare(sandbox, 'canonical', 'mirrors/fresh');
  await copyEarlier(sandbox, 'canonical', 'mirrors/stale', 'main~10');
  slow = await startHttpServer({
    root: sandbox.path('mirrors'),
    env: sandbox.serverEnv,
  });
});

afterAll(async () => {
  await slow.close();
  await bed.close();
});

beforeEach(async () => {
  await bed.forgetMirrors();
  bed.packs.forget();
  bed.mirrors.requests.length = 0;
  slow.requests.length = 0;
  slow.before = null;
});

const SILENT = () => new Promise<void>(() => undefined);

/** Fetches through gam in a fresh clone; what the user saw. */
async function fetchFrom(name: string, mirrors: readonly string[], settings: Record<string, string> = {}) {
  const { sandbox } = bed;
  await copyRepository(sandbox, 'earlier', name);
  const url = `mirror::${sandbox.path('canonical')}`;
  setOrigin(sandbox, name, { url });
  const configured = [
    ...mirrors.map((mirror) => `remote.origin.mirrorUrl=${mirror}`),
    ...Object.entries(settings).map(([key, value]) => `${key}=${value}`),
  ];
  const args = [...configured.flatMap((setting) => ['-c', setting]), 'fetch'];
  const { stderr } = await sandbox.git(args, { cwd: name });
  await expectNoChildren(sandbox);
  await expectClean(sandbox, name);
  await expectSameRefs(sandbox, name, 'canonical', asFetched);
  return stderr;
}

test('a silent mirror holds nobody up: the next one serves', async () => {
  slow.before = SILENT;
  const settings = { 'gam.connectTimeout': '200s' };
  const seen = await fetchFrom('silent', [`${slow.url}/fresh`, bed.mirror('fresh')], settings);
  expect(seen).toMatch(new RegExp(`^gam: fetching from 127.0.0.1:${bed.mirrors.port} `, 'm'));
  expect(seen).not.toContain('passing over');
});

test('a mirror that is behind waits for one that has it all', async () => {
  const settings = { 'gam.raceDelay': '100s' };
  const seen = await fetchFrom('behind', [bed.mirror('stale'), `${slow.url}/fresh`], settings);
  expect(seen).toMatch(new RegExp(`^gam: fetching from 127.0.0.1:${slow.port} `, 'm'));
  expect(bed.packs.sentFrom('mirrors/stale')).toBe(0);
});

test('a mirror that is behind does not wait for long', async () => {
  slow.before = SILENT;
  const settings = { 'gam.connectTimeout': '200s' };
  const seen = await fetchFrom('not-long', [bed.mirror('stale'), `${slow.url}/fresh`], settings);
  expect(seen).toMatch(new RegExp(`^gam: fetching from 127.0.0.1:${bed.mirrors.port} `, 'm'));
});

test('who loses is dropped at once', async () => {
  const dropped = new Promise<void>((resolve) => {
    slow.before = async (request) => {
      void once(request.socket, 'close').then(() => resolve());
      await SILENT();
    };
  });
  const settings = { 'gam.connectTimeout': '200s' };
  await fetchFrom('dropped', [`${slow.url}/fresh`, bed.mirror('fresh')], settings);
  await dropped;
});

test('nobody else starts where the first one answers in time', async () => {
  const settings = { 'gam.raceDelay': '100s' };
  await fetchFrom('in-time', [bed.mirror('fresh'), `${slow.url}/fresh`], settings);
  expect(slow.requests).toEqual([]);
});

test('a preferred mirror runs alone until it fails', async () => {
  const dead = `http://127.0.0.1:${await closedPort()}/dead`;
  const settings = { 'remote.origin.preferredMirror': dead, 'gam.raceDelay': '0' };
  const seen = await fetchFrom('preferred-dead', [bed.mirror('fresh')], settings);
  expect(seen).toMatch(/^gam: passing over 127\.0\.0\.1:[0-9]+: /m);
  expect(seen).toMatch(new RegExp(`^gam: fetching from 127.0.0.1:${bed.mirrors.port} `, 'm'));

  bed.mirrors.requests.length = 0;
  const preferred = { ...settings, 'remote.origin.preferredMirror': `${slow.url}/fresh` };
  await fetchFrom('preferred', [bed.mirror('fresh')], preferred);
  expect(bed.mirrors.requests).toEqual([]);
});

test('a winner that disappoints: those who were dropped run again', async () => {
  slow.before = async (request) => {
    if (slow.requests.filter(({ method }) => method === 'POST').length > 1) request.socket.destroy();
  };
  const seen = await fetchFrom('disappointing', [`${slow.url}/fresh`, bed.mirror('fresh')]);
  expect(seen).toMatch(new RegExp(`^gam: passing over 127.0.0.1:${slow.port}: `, 'm'));
  expect(seen).toMatch(new RegExp(`^gam: .* from 127.0.0.1:${bed.mirrors.port}, .* saved\\)$`, 'm'));
});

test('five silent mirrors: each is told or counted, and canonical serves after one gam.connectTimeout', async () => {
  slow.before = SILENT;
  const mirrors = [1, 2, 3, 4, 5].map((number) => `${slow.url}/silent-${number}`);
  const seen = await fetchFrom('all-silent', mirrors, {
    'gam.connectTimeout': '1s',
    'gam.raceDelay': '100ms',
  });
  const told = seen.match(/^gam: passing over .*: no answer within 1 s$/gm) ?? [];
  const more = Number(
    /^gam: no mirror answered within 1 s; ([0-9]+) more were not tried$/m.exec(seen)?.[1] ?? 0,
  );
  expect(told.length).toBeGreaterThan(2);
  expect(told.length + more).toBe(5);
});
