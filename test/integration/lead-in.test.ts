import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { isAtLeast, parseGitVersion, STATELESS_GIT } from '../../src/git/version.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { closedPort } from '../helpers/listening.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, copyEarlier, generateHistory, setOrigin } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';
import { copyRepository } from '../helpers/scene.ts';

// While node loads, perl has git's web helper open canonical's line. Where perl is not there, node does it all.

let sandbox: Sandbox;
let server: HttpServer;
let url: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  await sandbox.git(['config', '--global', 'protocol.version', '2']);
  await generateHistory(sandbox, 'served/canonical', { commits: 20, tags: 2 });
  server = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv, push: true });
  url = `${server.url}/canonical`;
  await sandbox.git(['clone', '-q', url, 'clone']);
  await sandbox.git(['config', 'remote.origin.url', `mirror::${url}`], { cwd: 'clone' });
  await sandbox.run('cp', ['-a', 'clone', 'without-mirrors']);
  await sandbox.git(['config', 'gam.raceWidth', '2'], { cwd: 'without-mirrors' });
  const gone = `http://127.0.0.1:${await closedPort()}/x`;
  await sandbox.git(['config', 'remote.origin.mirrorUrl', gone], { cwd: 'clone' });
});

afterAll(async () => {
  await server.close();
  await sandbox.close();
});

afterEach(() => {
  server.before = null;
  rmSync(sandbox.path('bin/node'), { force: true });
});

/** Puts a script in the place of a program. */
function inPlaceOf(path: string, ...lines: string[]): void {
  writeFileSync(sandbox.path(path), `#!/bin/sh\n${lines.join('\n')}\n`);
  chmodSync(sandbox.path(path), 0o755);
}

const NODE = `exec '${process.execPath}' "$@"`;

test('canonical is asked before node has started', async () => {
  const asked = sandbox.path('asked');
  server.before = async () => writeFileSync(asked, '');
  // Without perl nobody would ask, and this would end as an error.
  inPlaceOf(
    'bin/node',
    `for turn in $(seq 600); do [ -e '${asked}' ] && ${NODE}; sleep 0.05; done`,
    'exit 1',
  );
  await addCommits(sandbox, 'served/canonical', 2);
  await sandbox.git(['fetch', '-q'], { cwd: 'clone' });
  await expectSameRefs(sandbox, 'clone', 'served/canonical', asFetched);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'clone');
});

test.each([
  ['fetch', ['fetch', '-v', '--progress']],
  ['fetch of one branch', ['fetch', '--depth=1', 'origin', 'main']],
  ['ls-remote', ['ls-remote', 'origin']],
  ['push', ['push', 'origin', 'HEAD:refs/heads/new']],
  ['push --dry-run', ['push', '--dry-run', 'origin', 'HEAD:refs/heads/newer']],
  ['push that is refused', ['push', 'origin', 'HEAD~5:refs/heads/main']],
  ['fetch of what is not there', ['fetch', 'origin', 'nothing']],
])('%s ends as it does with node alone', async (_, args) => {
  const ends = [];
  for (const env of [{}, { PERL5OPT: '' }]) {
    await copyRepository(sandbox, 'clone', 'copy');
    ends.push(await sandbox.git(args, { cwd: 'copy', env, expectStatus: null }));
    await sandbox.git(['update-ref', '-d', 'refs/heads/new'], { cwd: 'served/canonical' });
  }
  expect(ends[0]).toEqual(ends[1]);
  await expectNoChildren(sandbox);
});

test('canonical’s refusal is told as git’s web helper tells it', async () => {
  const ends = [];
  for (const env of [{}, { PERL5OPT: '' }, { GAM_DISABLE: '1' }]) {
    const config = [`remote.wrong.url=mirror::${server.url}/nothing`, 'remote.wrong.mirrorUrl=/nowhere'];
    const args = [...config.flatMap((setting) => ['-c', setting]), 'fetch', 'wrong'];
    ends.push(await sandbox.git(args, { cwd: 'clone', env, expectStatus: 128 }));
  }
  expect(new Set(ends.map(({ stderr }) => stderr)).size).toBe(1);
  expect(ends[0]?.stderr).toContain('not found');
});

/** Runs the launcher as git would, with web helpers of the test's own. */
function launch(input: string, ...script: string[]) {
  mkdirSync(sandbox.path('exec'), { recursive: true });
  inPlaceOf('exec/git-remote-http', ...script);
  return sandbox.run('git-remote-mirror', ['origin', url], {
    cwd: 'without-mirrors',
    env: { PATH: `${sandbox.path('exec')}:${sandbox.env['PATH']}`, GIT_DIR: '.git' },
    expectStatus: null,
    input,
  });
}

const ANSWERS = 'read -r line; echo stateless-connect; echo option; echo';

/** As it is when git starts a helper for the first time in a command, and when it comes back. */
const COMINGS = [
  ['at first', ''],
  ['when it comes back', 'something\n'],
] as const;

test.each<[string, string, string, object]>([
  ['at once', 'capabilities\n', 'exit 3', { status: 3, stdout: '' }],
  ['in the middle of an answer', 'capabilities\n', 'echo option; exit 4', { status: 4, stdout: 'option\n' }],
  ['by a signal', 'capabilities\n', 'kill -9 $$', { status: 128, stdout: '' }],
  [
    'when it is to open the line',
    'capabilities\noption progress true\nstateless-connect git-upload-pack\n',
    `${ANSWERS}; read -r line; echo ok; read -r line; exit 5`,
    { status: 5, stdout: 'stateless-connect\noption\n\nok\n' },
  ],
  ['when git has left', '', 'cat; exit 6', { status: 6, stdout: '' }],
])('a web helper that ends %s does not keep git waiting', async (_, input, script, end) => {
  for (const [, fetchHead] of COMINGS) {
    writeFileSync(sandbox.path('without-mirrors/.git/FETCH_HEAD'), fetchHead);
    expect(await launch(input, script)).toMatchObject(end);
    await expectNoChildren(sandbox);
  }
});

const OPTIONS = 'capabilities\noption followtags false\noption depth 0\n';

test.each(COMINGS)(
  'git says nothing but options, %s: they are answered, and it ends as the web helper does',
  async (_, fetchHead) => {
    writeFileSync(sandbox.path('without-mirrors/.git/FETCH_HEAD'), fetchHead);
    const script = `${ANSWERS}; for o in 1 2; do read -r line; echo "ok $line"; done; read -r line; [ -z "$line" ] && exit 7`;
    for (const end of ['\n', '']) {
      const { status, stdout } = await launch(`${OPTIONS}${end}`, script);
      const answers = 'stateless-connect\noption\n\nok option followtags false\nok option depth 0\n';
      expect([status, stdout]).toEqual([7, answers]);
      await expectNoChildren(sandbox);
    }
  },
);

/** How often git started the launcher, and that node. */
async function comings(cwd: string, args: readonly string[]): Promise<{ git: number; node: number }> {
  const nodes = sandbox.path('nodes');
  writeFileSync(nodes, '');
  inPlaceOf('bin/node', `echo >>'${nodes}'`, NODE);
  const { stderr } = await sandbox.git(args, { cwd, env: { GIT_TRACE: '1' } });
  await expectNoChildren(sandbox);
  const git = stderr.match(/run_command: GIT_DIR=\S+ git[ -]remote-mirror /g)?.length ?? 0;
  return { git, node: readFileSync(nodes, 'utf8').length };
}

test('git comes back for tags that it follows, and node is not started for that', async () => {
  await generateHistory(sandbox, 'served/tagged', { commits: 60, tags: 6 });
  await copyEarlier(sandbox, 'served/tagged', 'earlier', 'main~30');
  const mirrorUrl = `http://127.0.0.1:${await closedPort()}/x`;
  await sandbox.git(['clone', '-q', 'earlier', 'tagged']);
  setOrigin(sandbox, 'tagged', { url: `mirror::${server.url}/tagged`, mirrorUrl });
  expect(await comings('tagged', ['fetch'])).toEqual({ git: 2, node: 1 });
  await expectSameRefs(sandbox, 'tagged', 'served/tagged', asFetched);
  await expectClean(sandbox, 'tagged');
});

test('a second remote is fetched from as the first one is', async () => {
  await copyRepository(sandbox, 'clone', 'two');
  await sandbox.git(['update-ref', '-d', 'refs/remotes/origin/main'], { cwd: 'two' });
  await sandbox.git(['remote', 'add', 'again', `mirror::${url}`], { cwd: 'two' });
  await sandbox.git(['config', 'remote.again.mirrorUrl', '/nowhere'], { cwd: 'two' });
  expect((await comings('two', ['fetch', '--all'])).node).toBeGreaterThanOrEqual(2);
  const { stdout } = await sandbox.git(['for-each-ref', '--format=%(refname)', 'refs/remotes'], {
    cwd: 'two',
  });
  expect(stdout).toMatch(/^refs\/remotes\/again\/main$[^]*^refs\/remotes\/origin\/main$/m);
  await expectClean(sandbox, 'two');
});

test('what is said byte by byte and what comes behind arrives whole, whoever reads it', async () => {
  const echo = 'while read -r line; do echo "got $line"; [ -n "$line" ] || exit 0; done';
  const input = 'capabilities\noption a b\nlist for-push\n\n';
  for (const [, fetchHead] of COMINGS) {
    writeFileSync(sandbox.path('without-mirrors/.git/FETCH_HEAD'), fetchHead);
    const { stdout } = await launch(input, ANSWERS, 'read -r line; echo ok', `read -r line; echo; ${echo}`);
    expect(stdout).toBe('stateless-connect\noption\n\nok\n\ngot \n');
  }
});

test('the web helper ends when node does, even before it has begun', async () => {
  const waits = sandbox.path('waits');
  inPlaceOf('bin/node', `for turn in $(seq 600); do [ -e '${waits}' ] && kill -9 $$; sleep 0.05; done`);
  const input = 'capabilities\noption progress true\nstateless-connect git-upload-pack\n';
  const silent = `: >'${waits}'; exec sleep 600`;
  const { signal } = await launch(input, `${ANSWERS}; read -r line; echo ok; read -r line; ${silent}`);
  expect(signal).toBe('SIGKILL');
  expect(existsSync(waits)).toBe(true);
  await expectNoChildren(sandbox);
});

const GIT = parseGitVersion(execFileSync('git', ['--version'], { encoding: 'utf8' })) ?? '';

// Older ones do not say when an answer is over.
test.skipIf(!isAtLeast(GIT, STATELESS_GIT))('nobody waits for a web helper that has said all', async () => {
  const own = (await sandbox.git(['--exec-path'])).stdout.trim();
  mkdirSync(sandbox.path('core'));
  for (const name of readdirSync(own)) symlinkSync(join(own, name), sandbox.path('core', name));
  rmSync(sandbox.path('core/git-remote-http'));
  const [gate, over] = [sandbox.path('gate'), sandbox.path('over')];
  const waiting = `while [ ! -e '${gate}' ]; do sleep 0.05; done; : >'${over}'`;
  inPlaceOf('core/git-remote-http', `'${own}/git-remote-http' "$@"`, waiting);
  for (const env of [{}, { PERL5OPT: '' }]) {
    // Whoever still writes there keeps the output open.
    await sandbox.run('sh', ['-c', 'git fetch -q 2>/dev/null'], {
      cwd: 'clone',
      env: { ...env, GIT_EXEC_PATH: sandbox.path('core') },
    });
    expect(existsSync(over)).toBe(false);
    writeFileSync(gate, '');
    await expectNoChildren(sandbox);
    expect(existsSync(over)).toBe(true);
    for (const file of [gate, over]) rmSync(file);
  }
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it all while canonical is silent', async (signal) => {
  const asked = new Promise<void>((resolve) => {
    server.before = () => {
      resolve();
      return new Promise(() => undefined);
    };
  });
  const running = sandbox.start('git', ['fetch', '-q'], { cwd: 'clone' });
  await asked;
  running.kill(signal);
  expect((await running.ended).signal).toBe(signal);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'clone');
});
