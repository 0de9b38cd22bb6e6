import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { delimiter } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ended } from '../../helpers/child.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { fakeSsh } from '../../helpers/fake-ssh.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { Connections, listen } from '../../helpers/listening.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type RunInSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const REF = 'refs/meta/mirrors';
const EU = 'https://eu.host.org/r.git';

let sandbox: Sandbox;
let server: HttpServer;
let made = 0;

beforeAll(async () => {
  sandbox = makeSandbox();
  await generateHistory(sandbox, 'served/origin.git', { commits: 3 });
  server = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv, push: true });
});
afterAll(async () => {
  await server.close();
  await sandbox.close();
});

interface Ground {
  /** The clone. */
  work: string;
  /** The remote, by its folder. */
  origin: string;
  name: string;
}

/** A repository with one mirror configured, and a remote of its own. */
async function ground(
  url: (name: string) => string = (name) => sandbox.path('served', name),
): Promise<Ground> {
  made += 1;
  const [name, work] = [`origin-${made}.git`, `work-${made}`];
  await sandbox.git(['clone', '-q', '--bare', 'served/origin.git', `served/${name}`]);
  await sandbox.git(['clone', '-q', `served/${name}`, work]);
  await sandbox.git(['remote', 'set-url', 'origin', url(name)], { cwd: work });
  await mirrors(work, EU);
  return { work, origin: `served/${name}`, name };
}

async function mirrors(work: string, ...urls: string[]): Promise<void> {
  await sandbox.git(['config', '--unset-all', 'remote.origin.mirrorUrl'], { cwd: work, expectStatus: null });
  for (const url of urls)
    await sandbox.git(['config', '--add', 'remote.origin.mirrorUrl', url], { cwd: work });
}

async function publish(
  work: string,
  args: readonly string[] = [],
  options: RunInSandbox = {},
): Promise<Ended> {
  const ended = await sandbox.run('gam', ['mirrors', 'publish', ...args], { cwd: work, ...options });
  await expectNoChildren(sandbox);
  return ended;
}

async function at(repository: string, what: string): Promise<string> {
  return (
    await sandbox.git(['rev-parse', '-q', '--verify', what], { cwd: repository, expectStatus: null })
  ).stdout.trim();
}

async function listIn(origin: string): Promise<string> {
  return (await sandbox.git(['show', `${REF}:mirrors`], { cwd: origin })).stdout;
}

/** What a user sees of a repository: its refs, and the files in .git beside objects. */
async function seen(work: string): Promise<unknown> {
  const refs = (await sandbox.git(['for-each-ref'], { cwd: work })).stdout;
  const status = (await sandbox.git(['status', '--porcelain'], { cwd: work })).stdout;
  return { refs, status, files: readdirSync(sandbox.path(work, '.git')).sort() };
}

describe('gam mirrors publish', () => {
  test.each<[string, (name: string) => string]>([
    ['by a path', (name) => sandbox.path('served', name)],
    ['by file://', (name) => `file://${sandbox.path('served', name)}`],
    ['over http', (name) => `${server.url}/${name}`],
    ['over ssh', (name) => `ssh://git@host.example${sandbox.path('served', name)}`],
    ['through gam, over http', (name) => `mirror::${server.url}/${name}`],
    ['through gam, over ssh', (name) => `mirror::ssh://git@host.example${sandbox.path('served', name)}`],
    ['through gam, by a path', (name) => `mirror::${sandbox.path('served', name)}`],
  ])('publishes, changes, and leaves alone what has not changed, %s', async (_how, url) => {
    const { work, origin } = await ground(url);
    const { env } = fakeSsh(sandbox);
    const run = (...args: string[]) =>
      publish(work, ['--canonical', 'https://far.host.org/r.git', ...args], { env });
    const before = await seen(work);
    const first = await run();
    expect(first.stdout).toMatch(/^published 1 mirror on origin: refs\/meta\/mirrors is [0-9a-f]{10}\n$/);
    const one = await at(origin, REF);
    expect(first.stdout).toContain(one.slice(0, 10));
    expect(await listIn(origin)).toBe(
      `[mirror]\n\tversion = 1\n\tcanonical = https://far.host.org/r.git\n[mirror "eu.host.org"]\n\turl = ${EU}\n`,
    );
    expect((await run()).stdout).toBe('nothing to publish: origin has just this list\n');
    expect(await at(origin, REF)).toBe(one);
    await run('--ttl', '3600');
    expect(await at(origin, `${REF}^`)).toBe(one);
    expect(await listIn(origin)).toContain('ttl = 3600\n');
    expect(await seen(work)).toEqual(before);
    const { stdout } = await sandbox.git(['fsck', '--no-dangling'], { cwd: origin });
    expect(stdout).toBe('');
  });

  test('publishes from a clone that has nothing of the old list, and keeps other files there', async () => {
    const { work, origin } = await ground();
    const git = async (args: string[], input = '') =>
      (await sandbox.git(args, { cwd: origin, input })).stdout.trim();
    const blob = await git(['hash-object', '-w', '--stdin'], 'read me');
    const tree = await git(['mktree'], `100644 blob ${blob}\tREADME\n100644 blob ${blob}\tmirrors\n`);
    const old = await git(['commit-tree', '-m', 'old', tree]);
    await git(['update-ref', REF, old]);
    const before = await seen(work);
    await publish(work);
    expect(await git(['show', `${REF}:README`])).toBe('read me');
    expect(await listIn(origin)).toContain(EU);
    expect(await at(origin, `${REF}^`)).toBe(old);
    expect(await seen(work)).toEqual(before);
  });

  test('a dry run prints the file and contacts nobody', async () => {
    const { work } = await ground((name) => `${server.url}/${name}`);
    await mirrors(work, EU, sandbox.path('served'), 'https://cache.lan/r', 'https://u:s3cret@h.org/r');
    server.requests.length = 0;
    const { stdout, stderr } = await publish(work, ['--dry-run']);
    expect(stdout).toContain(`url = ${EU}\n`);
    expect(stdout + stderr).not.toContain('s3cret');
    expect(stderr.split('\n').filter((line) => line.startsWith('gam: left out '))).toHaveLength(3);
    expect(stderr).toContain('no canonical URL');
    expect((await publish(work, ['--dry-run', '--force'])).stdout).toContain('https://cache.lan/r');
    expect((await publish(work, ['--dry-run', '-q'])).stderr).toBe('');
    expect(server.requests).toEqual([]);
  });

  test('a file is published to the byte, or refused before anything is pushed', async () => {
    const { work, origin } = await ground();
    const file = sandbox.path(work, 'list');
    const text = `# of the team\n[mirror]\n  version = 1 ; first\n  state = moved\n  successor = https://new.host.org/r\n  later = x\n[mirror "eu"]\n  url = "${EU}"\n`;
    writeFileSync(file, text);
    await publish(work, ['--file', 'list']);
    expect(await listIn(origin)).toBe(text);
    const now = await at(origin, REF);
    for (const [bad, words] of [
      ['[mirror]\n', /version/],
      ['[mirror\n', /no configuration file/],
      ['[mirror]\nversion = 2\n', /of version 2/],
      ['[mirror]\nversion = 1\n[mirror "a"]\nurl = /srv/x\n', /a path/],
      ['[mirror]\nversion = 1\n[mirror "a"]\nurl = https://u:s3cret@h.org/\n', /a login/],
      ['[mirror]\nversion = 1\n[mirror "a"]\nurl = https://10.0.0.1/\n', /that others do not reach/],
      ['[mirror]\nversion = 1\n[mirror "a"]\nurl = "https://h.org/\\b"\n', /control/],
      ['[mirror]\nversion = 1\n[mirror "a"]\nurl = https://a.org/\nurl = https://b.org/\n', /two URLs/],
    ] as const) {
      writeFileSync(file, bad);
      const { stderr } = await publish(work, ['--file', 'list'], { expectStatus: 1 });
      expect(stderr, bad).toMatch(words);
      expect(stderr).not.toContain('s3cret');
    }
    expect((await publish(work, ['--file', 'gone'], { expectStatus: 1 })).stderr).toMatch(
      /gone cannot be read/,
    );
    expect(await at(origin, REF)).toBe(now);
  });

  test('says what to do where nothing can be published', async () => {
    const { work, origin } = await ground();
    await mirrors(work, '/srv/x');
    const { stderr } = await publish(work, [], { expectStatus: 1 });
    expect(stderr).toContain('no mirror of origin is for others');
    await publish(work, ['--canonical', 'https://u:p@h.org/'], { expectStatus: 1 });
    await publish(work, ['--file', 'x', '--ttl', '1'], { expectStatus: 2 });
    await publish(work, ['--remote', 'gone'], { expectStatus: 1 });
    expect(await at(origin, REF)).toBe('');
  });
});

/** A git that runs a command before it pushes, once. */
function between(name: string, script: string): NodeJS.ProcessEnv & Record<string, string> {
  const real = process.env['PATH'] ?? '';
  const bin = sandbox.path(`between-${name}`);
  const done = sandbox.path(`between-${name}.done`);
  const lines = `#!/bin/sh
PATH='${sandbox.path('bin')}${delimiter}${real}'
case " $* " in *" push "*) if [ ! -e '${done}' ]; then : >'${done}'; (${script}) >/dev/null 2>&1; fi ;; esac
exec git "$@"
`;
  return { SCRIPT: lines, BIN: bin, PATH: [bin, sandbox.path('bin'), real].join(delimiter) };
}

describe('a list that is refused', () => {
  test('another one that came meanwhile stays, and the user is told', async () => {
    const one = await ground();
    const other = `${one.work}-other`;
    await sandbox.git(['clone', '-q', one.origin, other]);
    await mirrors(other, 'https://us.host.org/r.git');
    for (const round of [1, 2]) {
      const env = between(
        `push-${round}`,
        `cd '${sandbox.path(other)}' && gam mirrors publish --ttl ${round}`,
      );
      await sandbox.run(
        'sh',
        ['-c', 'mkdir "$BIN" && printf %s "$SCRIPT" >"$BIN/git" && chmod +x "$BIN/git"'],
        { env },
      );
      const before = await seen(one.work);
      const { stderr } = await publish(one.work, [], { env, expectStatus: 1 });
      expect(stderr).toMatch(
        /^gam: origin did not take the list: \[rejected\] \(stale info\)\ngam: somebody has published another/m,
      );
      expect(await listIn(one.origin)).toContain(`ttl = ${round}\n`);
      expect(await seen(one.work)).toEqual(before);
    }
    // On top of the other's it goes.
    const theirs = await at(one.origin, REF);
    await publish(one.work);
    expect(await at(one.origin, `${REF}^`)).toBe(theirs);
  });

  test('also one that comes when git has looked already', async () => {
    // git compares with what it has seen at the start of the push; the server compares again, when it writes the ref.
    const { work, origin } = await ground();
    await publish(work);
    const old = await at(origin, REF);
    const hook = sandbox.path(work, '.git/hooks/pre-push');
    const later = `git -C '${sandbox.path(origin)}' update-ref ${REF} $(git -C '${sandbox.path(origin)}' commit-tree -p ${REF} -m other '${REF}^{tree}')`;
    await sandbox.run(
      'sh',
      [
        '-c',
        `mkdir -p "$(dirname '${hook}')" && printf '%s\\n' '#!/bin/sh' "unset GIT_DIR" "$LATER" >'${hook}' && chmod +x '${hook}'`,
      ],
      {
        env: { LATER: later },
      },
    );
    const { stderr } = await publish(work, ['--ttl', '5'], { expectStatus: 1 });
    expect(stderr).toMatch(/somebody has published another list/);
    expect(await at(origin, `${REF}^`)).toBe(old);
    expect(await listIn(origin)).not.toContain('ttl');
  });

  test.each<[string, (ground: Ground) => Promise<void>, RegExp]>([
    [
      'by a hook of the server',
      async ({ origin }) => {
        const hook = sandbox.path(origin, 'hooks/update');
        await sandbox.run('sh', [
          '-c',
          `mkdir -p "$(dirname '${hook}')" && printf '#!/bin/sh\\nexit 1\\n' >'${hook}' && chmod +x '${hook}'`,
        ]);
      },
      /\[remote rejected\] \(hook declined\)\ngam: whoever runs that server must let you push to refs\/meta\/mirrors/,
    ],
    [
      'by a server that takes no pushes',
      async ({ work, name }) => {
        const closed = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
        closing.push(closed);
        await sandbox.git(['remote', 'set-url', 'origin', `${closed.url}/${name}`], { cwd: work });
      },
      /403\ngam: see git push --dry-run origin/,
    ],
    [
      'since nobody is there',
      async ({ work }) =>
        void (await sandbox.git(['remote', 'set-url', 'origin', '/nowhere'], { cwd: work })),
      /origin cannot be asked for its list: .*nowhere.*\ngam: see git ls-remote origin/,
    ],
    [
      'since something else is there',
      async ({ origin }) => void (await sandbox.git(['update-ref', REF, 'HEAD^{tree}'], { cwd: origin })),
      /what is at refs\/meta\/mirrors is no commit/,
    ],
  ])('%s is told in one line, with what to do', async (_how, prepare, words) => {
    const scene = await ground();
    await prepare(scene);
    const [before, there] = [await seen(scene.work), await at(scene.origin, REF)];
    const { stderr, stdout } = await publish(scene.work, [], { expectStatus: 1 });
    expect(stderr).toMatch(words);
    expect(stdout).toBe('');
    expect(await at(scene.origin, REF)).toBe(there);
    expect(await seen(scene.work)).toEqual(before);
    expect(existsSync(sandbox.path(scene.work, '.git/FETCH_HEAD'))).toBe(false);
  });
});

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s ends it at once, and leaves nothing', async (signal, expected) => {
  let asked: () => void = () => undefined;
  const waits = new Promise<void>((resolve) => {
    asked = resolve;
  });
  const silent = createServer(() => asked());
  const connections = new Connections();
  silent.on('connection', (socket) => connections.add(socket));
  const port = await listen(silent);
  const { work } = await ground(() => `http://127.0.0.1:${port}/r.git`);
  const before = await seen(work);
  const running = sandbox.start('gam', ['mirrors', 'publish'], { cwd: work });
  await waits;
  running.child.kill(signal);
  const { status, stdout } = await running.ended;
  expect([status, stdout]).toEqual([expected, '']);
  await expectNoChildren(sandbox);
  expect(await seen(work)).toEqual(before);
  await connections.close(silent);
});

const closing: HttpServer[] = [];
afterAll(async () => {
  for (const one of closing) await one.close();
});
