import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import {
  expectClean,
  expectNoChildren,
  expectSameRefs,
  fsckComplaints,
  leftovers,
} from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { openLine } from '../helpers/line.ts';
import { Connections, closedPort, listen } from '../helpers/listening.ts';
import type { Pair } from '../helpers/pair.ts';
import type { Scheme } from '../helpers/place.ts';
import { asFetched, refsOf } from '../helpers/refs.ts';
import { addCommits, cloneBare, copyEarlier, generateHistory, setOrigin } from '../helpers/repository.ts';

// Canonical cannot be reached, and a mirror can.

/** Bytes after which whole packets of a fetch's pack have come, and the end is still far. */
const MIDDLE = 40_000;

const DOWN = /^gam: canonical cannot be reached/m;

let bed: Bed;
let canonical: HttpServer;
let nobody: number;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/repo', { commits: 200, blobSize: 3000 });
  await copyEarlier(sandbox, 'served/repo', 'earlier.git', 'main~120');
  await cloneBare(sandbox, 'served/repo', 'mirrors/fresh');
  await cloneBare(sandbox, 'served/repo', 'mirrors/behind');
  await sandbox.git(['branch', '-qD', 'topic-0', 'topic-1', 'topic-2'], { cwd: 'mirrors/behind' });
  await sandbox.git(['clone', '-q', '--no-checkout', 'earlier.git', 'ready']);
  // A busy machine is no reason to leave a mirror.
  await sandbox.git(['config', '--global', 'gam.connectTimeout', '30s']);
  canonical = await startHttpServer({
    root: sandbox.path('served'),
    env: sandbox.serverEnv,
  });
  nobody = await closedPort();
});

afterAll(async () => {
  await canonical.close();
  await bed.close();
});

/** A pair with a clone of an earlier state on both sides, which knows a mirror. */
async function pairOf(name: string, scheme: Scheme = 'http', mirror = bed.mirror('fresh')): Promise<Pair> {
  const pair = await bed.pair('served/repo', name, scheme);
  await bed.adopt(pair, 'ready', 'work');
  await configure(pair, 'remote.origin.mirrorUrl', mirror);
  bed.packs.forget();
  bed.mirrors.requests.length = 0;
  return pair;
}

async function configure(pair: Pair, key: string, value: string): Promise<void> {
  await pair.both(({ cwd }) => bed.sandbox.git(['config', key, value], { cwd: `${cwd}/work` }));
}

/** Has canonical be somewhere else, the same place for both. */
async function lead(pair: Pair, url: string): Promise<void> {
  await pair.both(({ name, cwd }) => {
    const prefix = name === 'gam' ? 'mirror::' : '';
    setOrigin(bed.sandbox, `${cwd}/work`, { url: prefix + url });
  });
}

async function leadBack(pair: Pair): Promise<void> {
  await pair.both(({ cwd, url }) => setOrigin(bed.sandbox, `${cwd}/work`, { url }));
}

async function fetchBoth(pair: Pair, args: readonly string[] = ['fetch']): Promise<string> {
  const { gam } = await pair.git(() => args, { cwd: 'work', expectStatus: null });
  return gam.stderr;
}

/** The refs that are staged in gam's clone. */
async function staged(pair: Pair): Promise<string[]> {
  const { stdout } = await bed.sandbox.git(['for-each-ref', '--format=%(refname)', 'refs/mirror'], {
    cwd: `${pair.gam.cwd}/work`,
  });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((name) => name.replace(/^refs\/mirror\/[^/]+\//, ''));
}

/** Nothing but refs under refs/mirror/ is new: no real ref, no file that is there for a while only, no process. */
async function expectNothingElse(pair: Pair): Promise<void> {
  const { sandbox } = bed;
  const work = `${pair.gam.cwd}/work`;
  await expectNoChildren(sandbox);
  expect((await leftovers(sandbox, work, 0)).filter((name) => !name.startsWith('refs/mirror/'))).toEqual([]);
  expect(await refsOf(sandbox, work)).toEqual(await refsOf(sandbox, `${pair.plain.cwd}/work`));
  expect(await fsckComplaints(sandbox, work)).toEqual([]);
}

async function status(
  pair: Pair,
): Promise<{ unverified: { remote: string; heads: number; tags: number }[] }> {
  const { stdout } = await bed.sandbox.run('gam', ['status', '--json'], { cwd: `${pair.gam.cwd}/work` });
  return JSON.parse(stdout);
}

/** A server that takes connections and ends them. */
async function hangsUp(): Promise<number> {
  const connections = new Connections();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.end();
  });
  const port = await listen(server);
  onTestFinished(() => connections.close(server));
  return port;
}

/** A web server that answers everything with one status. */
async function answering(code: number): Promise<string> {
  const server = await startHttpServer({ root: bed.sandbox.path('served'), env: bed.sandbox.serverEnv });
  onTestFinished(() => server.close());
  server.answer = (_request, response) => {
    response.writeHead(code).end();
    return true;
  };
  return `${server.url}/repo`;
}

describe('what comes is kept, unverified, and promoted when canonical is back', () => {
  const paths = () => bed.sandbox.path('unmounted/repo');
  test.each<[Scheme, string, () => string | Promise<string>]>([
    ['http', 'refuses', () => `http://127.0.0.1:${nobody}/repo`],
    ['http', 'hangs up', async () => `http://127.0.0.1:${await hangsUp()}/repo`],
    ['http', 'answers with 503', () => answering(503)],
    ['git', 'refuses', () => `git://127.0.0.1:${nobody}/repo`],
    ['git', 'hangs up', async () => `git://127.0.0.1:${await hangsUp()}/repo`],
    ['ssh', 'cannot be reached', () => 'ssh://git@unreachable/repo'],
    ['path', 'is not mounted', paths],
    ['file', 'is not mounted', () => `file://${paths()}`],
  ])('%s, which %s', async (scheme, how, url) => {
    const pair = await pairOf(`${scheme}-${how}`, scheme);
    await lead(pair, await url());
    const said = await fetchBoth(pair);
    expect(said).toMatch(
      /^gam: canonical cannot be reached; \d+ refs of 127\.0\.0\.1:\d+ are kept unverified \(gam status\)$/m,
    );
    expect(await staged(pair)).toContain('heads/main');
    await expectNothingElse(pair);

    await leadBack(pair);
    bed.packs.forget();
    await fetchBoth(pair);
    await pair.expectAlike('work');
    const sent = bed.sent(pair);
    expect(sent.canonical + sent.mirrors).toBeLessThan(0.05 * sent.plain);
  });
});

test('a proxy program that has hung up, and waits to be hung up on, is not waited for', async () => {
  const { sandbox } = bed;
  const pair = await pairOf('proxy', 'git');
  const proxy = sandbox.path('bin/half-closed');
  writeFileSync(proxy, '#!/bin/sh\nexec >&-\ncat >/dev/null\n', { mode: 0o755 });
  await lead(pair, `git://127.0.0.1:${nobody}/repo`);
  const { gam } = await pair.git(() => ['fetch'], {
    cwd: 'work',
    env: { GIT_PROXY_COMMAND: proxy },
    expectStatus: 128,
  });
  expect(gam.stderr).toMatch(DOWN);
  await expectNothingElse(pair);
});

describe('nothing comes from a mirror where canonical says no', () => {
  test.each<[Scheme, string, () => string | Promise<string>]>([
    ['http', '401', () => answering(401)],
    ['http', '403', () => answering(403)],
    ['http', '404', () => `${canonical.url}/missing`],
    ['git', 'not exported', () => 'missing'],
    ['ssh', 'nobody gets in', () => 'ssh://git@forbidden/repo'],
    ['ssh', 'no repository', () => `ssh://host.example${bed.sandbox.path('mirrors')}`],
    ['path', 'no repository', () => bed.sandbox.path('mirrors')],
  ])('%s: %s', async (scheme, how, url) => {
    const pair = await pairOf(`${scheme}-says-${how}`, scheme);
    const to = await url();
    await lead(pair, to === 'missing' ? pair.plain.place.url(to) : to);
    expect(await fetchBoth(pair)).not.toMatch(/^gam: /m);
    expect(bed.mirrors.requests).toEqual([]);
    await expectNothingElse(pair);
    expect(await staged(pair)).toEqual([]);
  });
});

describe('the user sees what is there', () => {
  test('and a second fetch changes nothing; the third brings the rest', async () => {
    const pair = await pairOf('story', 'http', bed.mirror('behind'));
    const { sandbox } = bed;
    // With tags git would connect a second time, and what the first helper left would be swept by then.
    await configure(pair, 'remote.origin.tagOpt', '--no-tags');
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    await fetchBoth(pair);
    const names = await staged(pair);
    const { unverified } = await status(pair);
    expect(unverified).toEqual([expect.objectContaining({ remote: 'origin' })]);
    expect((unverified[0]?.heads ?? 0) + (unverified[0]?.tags ?? 0)).toBe(names.length);
    const { stdout: tip } = await sandbox.git(['rev-parse', 'main'], { cwd: 'mirrors/behind' });
    const shown = await sandbox.git(['for-each-ref', '--format=%(objectname)', 'refs/mirror/*/heads/main'], {
      cwd: `${pair.gam.cwd}/work`,
    });
    expect(shown.stdout).toBe(tip);

    bed.packs.forget();
    expect(await fetchBoth(pair)).toMatch(
      /^gam: canonical cannot be reached, and 127\.0\.0\.1:\d+ has nothing new; 1 ref of earlier fetches is kept unverified \(gam status\)$/m,
    );
    expect(bed.sent(pair).mirrors).toBe(0);
    expect(await staged(pair)).toEqual(names);
    await expectNothingElse(pair);

    await leadBack(pair);
    await configure(pair, 'remote.origin.mirrorUrl', bed.mirror('fresh'));
    await fetchBoth(pair);
    await pair.expectAlike('work');
    const sent = bed.sent(pair);
    expect(sent.mirrors).toBeGreaterThan(100);
    expect(sent.canonical + sent.mirrors).toBeLessThan(0.2 * sent.plain);
  });

  test('and what canonical does not have stays apart, until it is dropped', async () => {
    const { sandbox } = bed;
    await sandbox.run('cp', ['-r', sandbox.path('earlier.git'), sandbox.path('mirrors/foreign')]);
    await addCommits(sandbox, 'mirrors/foreign', 20, { seed: 77 });
    const pair = await pairOf('foreign', 'http', bed.mirror('foreign'));
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    expect(await fetchBoth(pair)).toMatch(/; 1 ref of .* is kept unverified/);

    await leadBack(pair);
    await fetchBoth(pair);
    await expectNothingElse(pair);
    await expectSameRefs(sandbox, `${pair.gam.cwd}/work`, pair.gam.canonical, asFetched);
    expect((await status(pair)).unverified).toEqual([expect.objectContaining({ heads: 1 })]);
    await sandbox.run('gam', ['sweep', '--unverified'], { cwd: `${pair.gam.cwd}/work` });
    await pair.expectAlike('work');

    // What was dropped is here still, and is shown again without coming again.
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    bed.packs.forget();
    expect(await fetchBoth(pair)).toMatch(/; 1 ref of .* is kept unverified/);
    expect(bed.sent(pair).mirrors).toBe(0);
    await expectNothingElse(pair);
  });

  test('with the tags that git would follow, and no others', async () => {
    const { sandbox } = bed;
    const pair = await pairOf('tags', 'http', bed.mirror('tagged'));
    await pair.both(async ({ canonical: repository }) => {
      // On a branch that is not fetched, on one that is, and annotated there.
      await sandbox.git(['tag', 'apart', 'topic-1'], { cwd: repository });
      await sandbox.git(['tag', 'within', 'main~3'], { cwd: repository });
      await sandbox.git(['tag', '-a', '-m', 'x', 'annotated', 'main~2'], { cwd: repository });
    });
    await cloneBare(sandbox, pair.gam.canonical, 'mirrors/tagged');
    await configure(pair, 'remote.origin.fetch', '+refs/heads/main:refs/remotes/origin/main');
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    await fetchBoth(pair);
    const names = await staged(pair);
    expect(names).toEqual(expect.arrayContaining(['heads/main', 'tags/within', 'tags/annotated']));
    expect(names).not.toContain('tags/apart');
    expect(names.filter((name) => name.startsWith('heads/'))).toEqual(['heads/main']);
    await leadBack(pair);
    await fetchBoth(pair);
    await pair.expectAlike('work');
  });

  test('and what is here without its history counts as missing', async () => {
    const { sandbox } = bed;
    const pair = await pairOf('torn');
    const { stdout: tip } = await sandbox.git(['cat-file', 'commit', 'main'], { cwd: 'mirrors/fresh' });
    const write = ['hash-object', '-w', '-t', 'commit', '--stdin'];
    await sandbox.git(write, { cwd: `${pair.gam.cwd}/work`, input: tip });
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    await fetchBoth(pair);
    expect(await staged(pair)).toContain('heads/main');
    await expectNothingElse(pair);
  });

  test('with sha256 objects', async () => {
    const { sandbox } = bed;
    await generateHistory(sandbox, 'sha256/canonical', { commits: 20, objectFormat: 'sha256' });
    await cloneBare(sandbox, 'sha256/canonical', 'mirrors/sha256');
    const pair = await bed.pair('sha256/canonical', 'sha256-objects');
    await copyEarlier(sandbox, 'sha256/canonical', 'sha256/earlier', 'main~9');
    await sandbox.git(['clone', '-q', '--no-checkout', 'sha256/earlier', 'ready-256']);
    await bed.adopt(pair, 'ready-256', 'work');
    await configure(pair, 'remote.origin.mirrorUrl', bed.mirror('sha256'));
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    expect(await fetchBoth(pair)).toMatch(/^gam: canonical cannot be reached; /m);
    await expectNothingElse(pair);
    await leadBack(pair);
    await fetchBoth(pair);
    await pair.expectAlike('work');
  });

  test('also in a repository that has nothing yet', async () => {
    const pair = await pairOf('empty');
    await pair.both(async ({ cwd }) => {
      await bed.sandbox.git(['init', '-q', 'empty'], { cwd });
      await bed.sandbox.run('cp', ['work/.git/config', 'empty/.git/config'], { cwd });
      await rm(bed.sandbox.path(cwd, 'work'), { recursive: true });
      await bed.sandbox.run('mv', ['empty', 'work'], { cwd });
    });
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    expect(await fetchBoth(pair)).toMatch(/^gam: canonical cannot be reached; /m);
    await expectNoChildren(bed.sandbox);
    bed.packs.forget();
    await leadBack(pair);
    await fetchBoth(pair);
    await pair.expectAlike('work');
    expect(bed.sent(pair).mirrors).toBe(0);
  });

  test('and -q silences it', async () => {
    const pair = await pairOf('quiet');
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    expect(await fetchBoth(pair, ['fetch', '-q'])).not.toMatch(/^gam: /m);
    expect(await staged(pair)).toContain('heads/main');
  });

  test('under git pull, too', async () => {
    const pair = await pairOf('pull');
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    expect(await fetchBoth(pair, ['pull'])).toMatch(DOWN);
    expect(await staged(pair)).toContain('heads/main');
  });
});

describe('no mirror is asked', () => {
  const dead = () => `http://127.0.0.1:${nobody}/repo`;
  const change = (pair: Pair, ...args: string[]) =>
    pair.both(({ cwd }) => bed.sandbox.git(args, { cwd: `${cwd}/work` }));
  test.each<[string, readonly string[], ((pair: Pair) => Promise<unknown>)?]>([
    ['by git ls-remote', ['ls-remote', 'origin']],
    ['by git remote show', ['remote', 'show', 'origin']],
    ['by git push', ['push', 'origin', 'main:new']],
    ['to see what would come', ['fetch', '--dry-run']],
    ['for less than the history', ['fetch', '--depth=1']],
    ['in a shallow clone', ['fetch'], (pair) => change(pair, 'fetch', '-q', '--depth=3')],
    ['in a partial clone', ['fetch'], (pair) => change(pair, 'config', 'remote.origin.promisor', 'true')],
    ['for a URL', ['fetch', 'URL']],
    [
      'in a mirror clone',
      ['fetch'],
      (pair) => change(pair, 'config', 'remote.origin.fetch', '+refs/*:refs/*'),
    ],
    ['where gam is off', ['fetch']],
  ])('%s', async (how, args, prepare) => {
    const pair = await pairOf(how);
    await prepare?.(pair);
    await lead(pair, dead());
    bed.mirrors.requests.length = 0;
    const off = how === 'where gam is off' ? { env: { GAM_DISABLE: '1' } } : {};
    const { gam } = await pair.git(
      ({ name }) =>
        args.map((word) => (word === 'URL' ? `${name === 'gam' ? 'mirror::' : ''}${dead()}` : word)),
      { cwd: 'work', expectStatus: null, ...off },
    );
    expect(gam.status).not.toBe(0);
    expect(gam.stderr).not.toMatch(DOWN);
    expect(bed.mirrors.requests).toEqual([]);
    expect(await staged(pair)).toEqual([]);
  });
});

describe('mirrors that fail, too', () => {
  test('the next one goes on, and each is told in one line', async () => {
    const pair = await pairOf('broken');
    const cut = await openLine({ to: bed.mirrors.port, fault: { kind: 'cut', after: MIDDLE } });
    onTestFinished(() => cut.close());
    await configure(pair, 'remote.origin.mirrorUrl', `http://127.0.0.1:${nobody}/fresh`);
    await pair.both(({ cwd }) =>
      bed.sandbox.git(['config', '--add', 'remote.origin.mirrorUrl', `http://127.0.0.1:${cut.port}/fresh`], {
        cwd: `${cwd}/work`,
      }),
    );
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    const alone = await fetchBoth(pair);
    expect(alone.match(/^gam: passing over /gm)).toHaveLength(2);
    expect(alone).toMatch(/^gam: canonical cannot be reached, and no mirror could help$/m);
    expect(await staged(pair)).toEqual([]);
    await expectNothingElse(pair);

    await pair.both(({ cwd }) =>
      bed.sandbox.git(['config', '--add', 'remote.origin.mirrorUrl', bed.mirror('fresh')], {
        cwd: `${cwd}/work`,
      }),
    );
    await bed.forgetMirrors();
    const together = await fetchBoth(pair, ['-c', 'gam.raceDelay=100s', 'fetch']);
    expect(together.match(/^gam: passing over /gm)).toHaveLength(2);
    expect(together).toMatch(/^gam: canonical cannot be reached; \d+ refs of /m);
    await expectNothingElse(pair);
  });

  test('silent ones cost one gam.connectTimeout', async () => {
    const pair = await pairOf('silent');
    const line = await openLine({ to: bed.mirrors.port, fault: { kind: 'stall' } });
    onTestFinished(() => line.close());
    const url = (number: number) => `http://127.0.0.1:${line.port}/silent-${number}`;
    await configure(pair, 'remote.origin.mirrorUrl', url(0));
    await pair.both(async ({ cwd }) => {
      for (const number of [1, 2, 3, 4])
        await bed.sandbox.git(['config', '--add', 'remote.origin.mirrorUrl', url(number)], {
          cwd: `${cwd}/work`,
        });
    });
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    const said = await fetchBoth(pair, ['-c', 'gam.connectTimeout=400ms', 'fetch']);
    expect(said).toMatch(/ within 0\.4 s/);
    expect(said).toMatch(/^gam: canonical cannot be reached, and no mirror could help$/m);
    await expectNothingElse(pair);
  });
});

describe('interrupted while the mirror sends, it leaves nothing', () => {
  test.each<[string, NodeJS.Signals]>([
    ['everyone', 'SIGINT'],
    ['everyone', 'SIGTERM'],
    ['git alone', 'SIGTERM'],
  ])('%s, by %s', async (who, signal) => {
    const pair = await pairOf(`${who}-${signal}`);
    const line = await openLine({ to: bed.mirrors.port, fault: { kind: 'stall', after: MIDDLE } });
    onTestFinished(() => line.close());
    await configure(pair, 'remote.origin.mirrorUrl', `http://127.0.0.1:${line.port}/fresh`);
    await lead(pair, `http://127.0.0.1:${nobody}/repo`);
    const running = bed.sandbox.start('git', ['fetch'], { cwd: `${pair.gam.cwd}/work` });
    await line.reached(MIDDLE);
    if (who === 'everyone') running.kill(signal);
    else running.child.kill(signal);
    expect(await running.ended).toMatchObject({ signal });
    await expectNothingElse(pair);
    expect(await staged(pair)).toEqual([]);
  });
});

describe('a clone', () => {
  const words = (url: string, mirror: string, to: string) => [
    'clone',
    '-c',
    `remote.origin.mirrorUrl=${mirror}`,
    url,
    to,
  ];
  /** The folders of clones that broke off. */
  const kept = () => {
    const root = bed.sandbox.path('home/.cache/gam/clones');
    return existsSync(root) ? readdirSync(root) : [];
  };

  test('by git fails as it does plainly, and leaves nothing', async () => {
    const { sandbox } = bed;
    const pair = await pairOf('cloned');
    const dead = `http://127.0.0.1:${nobody}/repo`;
    await pair.git(
      ({ name }) => words(`${name === 'gam' ? 'mirror::' : ''}${dead}`, bed.mirror('fresh'), 'to'),
      {
        expectStatus: 128,
      },
    );
    await expectNoChildren(sandbox);
    expect(existsSync(sandbox.path(pair.gam.cwd, 'to'))).toBe(false);
    expect(readdirSync(sandbox.path('tmp'))).toEqual([]);
    expect(kept()).toEqual([]);
  });

  test.each<[string, () => Promise<string>]>([
    ['refuses', async () => `http://127.0.0.1:${nobody}/repo`],
    ['hangs up', async () => `git://127.0.0.1:${await hangsUp()}/repo`],
  ])('by gam clone keeps aside what a mirror sends, where canonical %s', async (_how, url) => {
    const { sandbox } = bed;
    await bed.forgetMirrors();
    const dead = await url();
    const args = words(dead, bed.mirror('fresh'), 'again');
    bed.packs.forget();
    const first = await sandbox.run('gam', args, { expectStatus: 128 });
    expect(first.stderr).toMatch(
      /^gam: canonical cannot be reached; what a mirror sends is kept for the next gam clone$/m,
    );
    expect(first.stderr).toMatch(/^gam: .* are kept; the same gam clone goes on from there within a week$/m);
    expect(existsSync(sandbox.path('again'))).toBe(false);
    await expectNoChildren(sandbox);
    const sent = bed.packs.sentFrom('mirrors');
    expect(sent).toBeGreaterThan(0);

    const second = await sandbox.run('gam', args, { expectStatus: 128 });
    expect(second.stderr).toMatch(
      /^gam: canonical cannot be reached; what an earlier clone has brought stays kept$/m,
    );
    expect(bed.packs.sentFrom('mirrors')).toBe(sent);
    expect(kept()).toHaveLength(1);
    await rm(sandbox.path('home/.cache'), { recursive: true });
  });

  test('by gam clone goes on from there when canonical is back', async () => {
    const { sandbox } = bed;
    await bed.forgetMirrors();
    canonical.answer = (_request, response) => {
      response.destroy();
      return true;
    };
    const args = words(`${canonical.url}/repo`, bed.mirror('fresh'), 'back');
    await sandbox.run('gam', args, { expectStatus: 128 });
    canonical.answer = null;
    bed.packs.forget();
    const { stderr } = await sandbox.run('gam', args);
    expect(stderr).toMatch(/^gam: going on from .* that an earlier clone has brought$/m);
    expect(bed.packs.sentFrom('mirrors')).toBe(0);
    await expectNoChildren(sandbox);
    await expectClean(sandbox, 'back');
    await expectSameRefs(sandbox, 'back', 'served/repo');
    expect(kept()).toEqual([]);
  });

  test('by gam clone keeps nothing where canonical says no', async () => {
    const args = words(`${canonical.url}/missing`, bed.mirror('fresh'), 'refused');
    const { stderr } = await bed.sandbox.run('gam', args, { expectStatus: 128 });
    expect(stderr).not.toMatch(/^gam: /m);
    expect(kept()).toEqual([]);
    await expectNoChildren(bed.sandbox);
  });
});
