import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gitVersion, isAtLeast } from '../../../src/git/version.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { asFetched } from '../../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// A stock client beside itself: the same repositories behind gam serve, and behind git http-backend in a plain web server.

let sandbox: Sandbox;
let served: GamServe;
let plain: HttpServer;
let version: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  version = await gitVersion({ env: sandbox.env, cwd: sandbox.root });
  await generateHistory(sandbox, 'served/group/repo.git', { commits: 120 });
  await sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: 'served/group/repo.git' });
  await sandbox.git(['clone', '-q', 'served/group/repo.git', 'served/worktree']);
  if (isAtLeast(version, '2.29'))
    await generateHistory(sandbox, 'served/sha256.git', { commits: 20, objectFormat: 'sha256' });
  served = await gamServe(sandbox, 'served');
  plain = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
});

afterAll(async () => {
  await served.stop();
  await plain.close();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

interface Side {
  name: string;
  url: string;
}

const sides = (): Side[] => [
  { name: 'plain', url: plain.url },
  { name: 'gam', url: served.url },
];

// Packets as the client's processes saw them, each by itself, without times; progress and packs come in pieces that differ
// from run to run.
function packets(file: string): string[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.replace(/^[0-9:.]+ \S+ +/, '').replaceAll(/http:\/\/127\.0\.0\.1:[0-9]+/g, '<url>'))
    .filter((line) => line.startsWith('packet:') && !/packet: +sideband</.test(line));
  const speaker = (line: string) => line.slice(0, 'packet:              '.length);
  return lines.sort((one, other) =>
    speaker(one) < speaker(other) ? -1 : Number(speaker(one) !== speaker(other)),
  );
}

/** Runs the same command against both; they must end alike, and see the same packets. */
async function both(
  name: string,
  args: (side: Side) => readonly string[],
  cwd: (side: Side) => string = () => '.',
  env: Readonly<Record<string, string>> = {},
): Promise<{ status: number | null; stderr: string; packets: string[] }> {
  const [one, other] = await Promise.all(
    sides().map(async (side) => {
      const trace = sandbox.path(`${name}-${side.name}.trace`);
      const said = await sandbox.git(args(side), {
        cwd: cwd(side),
        env: { GIT_TRACE_PACKET: trace, ...env },
        expectStatus: null,
      });
      const stderr = said.stderr.replaceAll(side.url, '<url>').replaceAll(`-${side.name}`, '-side');
      return { status: said.status, stderr, packets: packets(trace) };
    }),
  );
  expect(other).toEqual(one);
  return other as NonNullable<typeof other>;
}

const clone = (name: string, path: string, options: readonly string[] = [], config: readonly string[] = []) =>
  both(name, ({ url, name: side }) => [
    ...config.flatMap((setting) => ['-c', setting]),
    'clone',
    '-q',
    ...options,
    `${url}/${path}`,
    `${name}-${side}`,
  ]);

describe.each(['0', '1', '2'])('protocol v%s', (protocol) => {
  test('clone, then fetch what is new', async () => {
    const name = `v${protocol}`;
    const config = [`protocol.version=${protocol}`];
    const source = `served/source-${name}.git`;
    await cloneBare(sandbox, 'served/group/repo.git', source);
    const seen = await clone(name, `source-${name}.git`, [], config);
    expect(seen).toMatchObject({ status: 0, stderr: '' });
    expect(seen.packets.length).toBeGreaterThan(10);
    expect(seen.packets.some((line) => /< version 2/.test(line))).toBe(protocol === '2');
    await addCommits(sandbox, source, 30, { tags: 1 });
    const fetched = await both(
      `${name}-fetch`,
      () => ['-c', `protocol.version=${protocol}`, 'fetch', '-q'],
      ({ name: side }) => `${name}-${side}`,
    );
    expect(fetched.status).toBe(0);
    expect(fetched.packets.some((line) => /> have /.test(line))).toBe(true);
    await expectSameRefs(sandbox, `${name}-gam`, source, asFetched);
    await expectClean(sandbox, `${name}-gam`);
  });
});

test('shallow, and deepened', async () => {
  expect(await clone('shallow', 'group/repo.git', ['--depth=3'])).toMatchObject({ status: 0 });
  const at = ({ name }: Side) => `shallow-${name}`;
  expect(await both('deepen', () => ['fetch', '-q', '--deepen=5'], at)).toMatchObject({ status: 0 });
  expect(await both('unshallow', () => ['fetch', '-q', '--unshallow'], at)).toMatchObject({ status: 0 });
  await expectClean(sandbox, 'shallow-gam');
});

test('partial, and a lazy fetch', async () => {
  expect(await clone('partial', 'group/repo.git', ['--filter=blob:none', '-n'])).toMatchObject({ status: 0 });
  const at = ({ name }: Side) => `partial-${name}`;
  expect(await both('lazy', () => ['checkout', '-q', 'HEAD'], at)).toMatchObject({ status: 0 });
});

test('sha256', async (context) => {
  if (!isAtLeast(version, '2.29')) context.skip();
  expect(await clone('sha256', 'sha256.git', [], ['protocol.version=2'])).toMatchObject({ status: 0 });
  await expectSameRefs(sandbox, 'sha256-gam', 'served/sha256.git');
});

test('dumb http', async () => {
  const seen = await both(
    'dumb',
    ({ url, name }) => ['clone', '-q', `${url}/group/repo.git`, `dumb-${name}`],
    undefined,
    { GIT_SMART_HTTP: '0' },
  );
  expect(seen).toMatchObject({ status: 0, packets: [] });
  await expectSameRefs(sandbox, 'dumb-gam', 'served/group/repo.git');
});

test.each(['group/repo.git', 'group/repo', 'worktree', 'worktree/.git', 'worktree/'])(
  '%s is a repository, as it is elsewhere',
  async (path) => {
    const seen = await both(`ls-${path.replaceAll('/', '-')}`, ({ url }) => ['ls-remote', `${url}/${path}`]);
    expect(seen).toMatchObject({ status: 0, stderr: '' });
  },
);

test('gam serve in a folder that is itself a repository', async () => {
  const own = await gamServe(sandbox, 'served/worktree');
  await sandbox.git(['clone', '-q', `${own.url}/`, 'of-root']);
  await expectClean(sandbox, 'of-root');
  expect(await own.stop()).toMatchObject({ status: 0 });
});

test('what is not there, and what the repository does not want to give', async () => {
  const fails = async (name: string, ...args: string[]) => {
    const seen = await both(name, ({ url }) => args.map((word) => word.replace('<url>', url)));
    expect(seen.status).toBe(128);
    return seen.stderr;
  };
  expect(await fails('absent', 'ls-remote', '<url>/absent.git')).toContain('not found');
  const missing = '1'.repeat(40);
  await sandbox.git(['init', '-q', 'empty']);
  const into = ['-C', 'empty', '-c', 'protocol.version=2', 'fetch', '-q'];
  expect(await fails('missing', ...into, '<url>/group/repo.git', missing)).toContain('not our ref');
  await cloneBare(sandbox, 'served/group/repo.git', 'served/closed.git');
  await sandbox.git(['config', 'http.uploadpack', 'false'], { cwd: 'served/closed.git' });
  await sandbox.git(['config', 'http.getanyfile', 'false'], { cwd: 'served/closed.git' });
  expect(await fails('closed', 'ls-remote', '<url>/closed.git')).toContain('403');
  await served.logged(/"GET \/closed\.git\/info\/refs\?service=git-upload-pack HTTP\/1\.1" 403 .*reason="/);
});

describe('push', () => {
  beforeAll(async () => {
    for (const side of sides()) {
      await cloneBare(sandbox, 'served/group/repo.git', `served/push-${side.name}.git`);
      await sandbox.git(['clone', '-q', `served/group/repo.git`, `pusher-${side.name}`]);
      await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'new'], { cwd: `pusher-${side.name}` });
    }
  });
  const at = ({ name }: Side) => `pusher-${name}`;
  const push = (name: string, ...options: string[]) =>
    both(
      name,
      (side) => [...options, 'push', '-q', `${side.url}/push-${side.name}.git`, 'HEAD:refs/heads/new'],
      at,
    );

  test('is refused as long as the repository does not allow it', async () => {
    const seen = await push('refused');
    expect([seen.status, seen.stderr]).toEqual([128, expect.stringContaining('403')]);
  });

  test('works where it does, also in chunks, and where the client waits for word to go on', async () => {
    // The plain server sets it from outside.
    await sandbox.git(['config', 'http.receivepack', 'true'], { cwd: 'served/push-gam.git' });
    const { url } = served;
    const send = (ref: string, ...config: string[]) =>
      sandbox.git(
        [...config.flatMap((setting) => ['-c', setting]), 'push', '-q', `${url}/push-gam.git`, ref],
        {
          cwd: 'pusher-gam',
        },
      );
    await send('HEAD:refs/heads/new');
    await sandbox.git(['commit', '-q', '--allow-empty', '-m', 'x'.repeat(5000)], { cwd: 'pusher-gam' });
    await send('HEAD:refs/heads/chunked', 'http.postBuffer=1000');
    await send('HEAD~1:refs/heads/waited', 'http.expectContinue=true', 'http.postBuffer=1000');
    await send(':waited');
    const { stdout } = await sandbox.git(['for-each-ref', '--format=%(objectname) %(refname:short)'], {
      cwd: 'served/push-gam.git',
    });
    const head = async (ref: string) =>
      (await sandbox.git(['rev-parse', ref], { cwd: 'pusher-gam' })).stdout.trim();
    expect(stdout).toContain(`${await head('HEAD~1')} new\n`);
    expect(stdout).toContain(`${await head('HEAD')} chunked\n`);
    expect(stdout).not.toContain(' waited');
  });
});

test('archives, where git has them over http', async (context) => {
  if (!isAtLeast(version, '2.44')) context.skip();
  // http-backend serves them only where it is told to (git-http-backend(1)).
  await sandbox.git(['config', 'http.uploadarchive', 'true'], { cwd: 'served/group/repo.git' });
  await sandbox.git(['archive', `--remote=${served.url}/group/repo.git`, '-o', 'a.tar', 'main']);
});
