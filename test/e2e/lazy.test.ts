import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { request as send } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import { expectNoChildren, leftovers } from '../helpers/evidence.ts';
import { type HttpServer, startHttpServer } from '../helpers/http-server.ts';
import { openLine } from '../helpers/line.ts';
import { closedPort } from '../helpers/listening.ts';
import { describeMoment, everyThird, learnMoments, momentsOf, signalAt } from '../helpers/moments.ts';
import { addCommits, cloneBare, generateHistory, setOrigin } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';
import { copyRepository, expectForEach } from '../helpers/scene.ts';

// What a partial clone fetches when it turns out to need it: one request, for which nobody needs canonical where it has
// greeted lately, and a mirror serves. Where canonical is needed, a mirror gets ready while it greets.

const SERVING = { 'uploadpack.allowFilter': 'true', 'uploadpack.allowAnySHA1InWant': 'true' };
const FILES = ['src/part-0/file-0.ts', 'src/part-0/file-1.ts', 'src/part-0/file-2.ts'] as const;
const PERLS = [
  ['with perl', {}],
  ['without', { PERL5OPT: '' }],
] as const;

let sandbox: Sandbox;
let canonical: HttpServer;
let mirrors: HttpServer;
let url: string;

beforeAll(async () => {
  sandbox = makeSandbox();
  await sandbox.git(['config', '--global', 'protocol.version', '2']);
  await generateHistory(sandbox, 'served/canonical', { commits: 40 });
  await generateHistory(sandbox, 'other/canonical', { commits: 3, seed: 4 });
  await cloneBare(sandbox, 'served/canonical', 'mirrors/fresh');
  await cloneBare(sandbox, 'served/canonical', 'mirrors/ahead');
  await addCommits(sandbox, 'mirrors/ahead', 2, { seed: 8 });
  await cloneBare(sandbox, 'other/canonical', 'mirrors/foreign');
  for (const [key, value] of Object.entries(SERVING))
    await sandbox.git(['config', key, value], { cwd: 'served/canonical' });
  canonical = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
  mirrors = await startHttpServer({ root: sandbox.path('mirrors'), env: sandbox.serverEnv, config: SERVING });
  url = `${canonical.url}/canonical`;
  await sandbox.git(['clone', '-q', '--filter=blob:none', '--no-checkout', url, 'plain']);
  await sandbox.git(['init', '-q', 'empty']);
  await sandbox.git(['remote', 'add', 'origin', url], { cwd: 'empty' });
});

afterAll(async () => {
  await Promise.all([canonical.close(), mirrors.close()]);
  await sandbox.close();
});

afterEach(async () => {
  canonical.before = null;
  canonical.answer = null;
  mirrors.before = null;
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
  await sandbox.git(['config', 'uploadpack.allowFilter', 'true'], { cwd: 'served/canonical' });
});

const greetings = () => sandbox.path('home/.local/state/gam/greetings');
const mirror = (name: string) => `${mirrors.url}/${name}`;

/** The one greeting that is remembered. */
function remembered(): string {
  const names = readdirSync(greetings());
  expect(names).toHaveLength(1);
  return join(greetings(), names[0] ?? '');
}

/** What a command says in a copy of the plain clone, which has nothing but commits and trees. */
async function plainly(args: readonly string[], expectStatus = 0): Promise<string> {
  await copyRepository(sandbox, 'plain', 'by-plain');
  return (await sandbox.git(args, { cwd: 'by-plain', expectStatus })).stdout;
}

/** A partial clone with a mirror, in which one lazy fetch has been; the mirror for the next ones may be another. */
async function greeted(name: string, next = mirror('fresh')): Promise<string> {
  await copyRepository(sandbox, 'plain', name);
  setOrigin(sandbox, name, { url: `mirror::${url}`, mirrorUrl: mirror('fresh') });
  await sandbox.git(['cat-file', 'blob', `main:${FILES[0]}`], { cwd: name });
  setOrigin(sandbox, name, { mirrorUrl: next });
  canonical.requests.length = 0;
  mirrors.requests.length = 0;
  return name;
}

/** Nobody gets an answer of canonical's any more. */
function holdCanonical(): void {
  canonical.before = () => new Promise(() => undefined);
}

async function expectLeftNothing(repository: string): Promise<void> {
  await expectNoChildren(sandbox);
  expect(await leftovers(sandbox, repository)).toEqual([]);
}

describe.each(PERLS)('the mirror serves while canonical is silent (%s)', (perl, env) => {
  test.each([
    ['log -p -4 --format=%H main~3'],
    ['checkout -q main~7'],
    [`cat-file blob main:${FILES[1]}`],
    ['archive --format=tar main~9'],
    ['diff main~2 main~20'],
  ])('%s', async (command) => {
    const args = command.split(' ');
    const clone = await greeted(`silent ${perl} ${args[0]}`);
    const expected = await plainly(args);
    canonical.requests.length = 0;
    holdCanonical();
    const { stdout, stderr } = await sandbox.git(args, { cwd: clone, env, timeout: 60_000 });
    expect(stdout).toBe(expected);
    expect(stderr).not.toContain('gam: ');
    expect(canonical.requests).toEqual([]);
    expect(mirrors.requests.length).toBeGreaterThan(0);
    await expectLeftNothing(clone);
  });

  const FIRST = ['cat-file', 'blob', `main:${FILES[0]}`];
  const BY_ID = ['fetch', '-q', '--no-tags', '--depth=1', 'origin', '+HEAD:refs/remotes/origin/x'];

  // Canonical says its first word only when the mirror has been asked.
  test.each([
    ['a lazy fetch', 'plain', FIRST],
    ['clone --depth=1', null, ['clone', '-q', '--depth=1']],
    ['clone --filter=blob:none', null, ['clone', '-q', '--filter=blob:none', '--no-checkout']],
    ['the fetch of actions/checkout', 'empty', BY_ID],
  ])('without a word of canonical’s, the mirror is asked meanwhile: %s', async (what, from, args) => {
    const name = `meanwhile ${perl} ${what.replaceAll('/', ' ')}`;
    if (from !== null) {
      await copyRepository(sandbox, from, name);
      setOrigin(sandbox, name, { url: `mirror::${url}`, mirrorUrl: mirror('fresh') });
    }
    const asked = new Promise<void>((resolve) => {
      mirrors.before = async () => resolve();
    });
    canonical.before = () => asked;
    const cloning = ['-c', `remote.origin.mirrorUrl=${mirror('fresh')}`, `mirror::${url}`, name];
    const words = from === null ? [...args, ...cloning] : args;
    const cwd = from === null ? '.' : name;
    const { stdout } = await sandbox.git(words, { cwd, env, timeout: 60_000 });
    canonical.before = null;
    if (from === 'plain') expect(stdout).toBe(await plainly(args));
    await expectLeftNothing(name);
  });

  test('but not where canonical sends what is cut, or nothing is to be cut', async () => {
    for (const args of [
      ['fetch', '-q', '--depth=3'],
      ['fetch', '-q'],
    ]) {
      await copyRepository(sandbox, 'plain', 'untouched');
      setOrigin(sandbox, 'untouched', { url: `mirror::${url}`, mirrorUrl: mirror('fresh') });
      mirrors.requests.length = 0;
      await sandbox.git(args, { cwd: 'untouched', env });
      expect(mirrors.requests).toEqual([]);
    }
    const config = `remote.origin.mirrorUrl=${mirror('fresh')}`;
    const since = ['clone', '-q', '--shallow-since=2001-01-01', '-c', config];
    await sandbox.git([...since, `mirror::${url}`, `since ${perl}`], { env });
    expect(mirrors.requests).toEqual([]);
  });
});

// Its objects are in the pack that the mirror sent, and in no other.
test('blobs reach git in the pack in which they came', async () => {
  const clone = await greeted('as it came');
  const trace = sandbox.path('as-it-came.log');
  await sandbox.git(['checkout', '-q', 'main'], { cwd: clone, env: { GIT_TRACE: trace } });
  const started = readFileSync(trace, 'utf8');
  expect(started).toContain('index-pack');
  expect(started).not.toContain('pack-objects');
});

describe('canonical serves where the mirror does not', () => {
  const LATER = ['cat-file', 'blob', `main:${FILES[2]}`];
  test.each([
    ['is dead', async () => `http://127.0.0.1:${await closedPort()}/x`],
    ['has not the objects', async () => mirror('foreign')],
    ['is no repository', async () => mirror('nothing')],
    [
      'is silent',
      async () => {
        const line = await openLine({ to: mirrors.port, fault: { kind: 'stall' } });
        closing.push(() => line.close());
        return `http://127.0.0.1:${line.port}/fresh`;
      },
    ],
  ])('one that %s', async (what, place) => {
    const expected = await plainly(LATER);
    const clone = await greeted(`unfit ${what}`, await place());
    const config = ['-c', 'gam.connectTimeout=500ms'];
    const { stdout, stderr } = await sandbox.git([...config, ...LATER], { cwd: clone });
    expect(stdout).toBe(expected);
    expect(stderr.match(/^gam: .*$/gm)).toEqual([expect.stringMatching(/^gam: passing over /)]);
    // From the next one on canonical's line is opened at once.
    expect(readdirSync(greetings())).toEqual([]);
    await expectLeftNothing(clone);
  });

  const closing: (() => Promise<void>)[] = [];
  afterAll(() => Promise.all(closing.map((end) => end())));

  test('what canonical does not offer any more is not asked of it', async () => {
    const clone = await greeted('no filters', mirror('foreign'));
    await sandbox.git(['config', 'uploadpack.allowFilter', 'false'], { cwd: 'served/canonical' });
    canonical.answer = (request, response) => {
      if (!request.url?.includes('/info/refs')) return false;
      const lines = ['version 2', 'ls-refs', 'fetch=shallow'].map(linePacket);
      const packets = [linePacket('# service=git-upload-pack'), FLUSH, ...lines, FLUSH];
      response.writeHead(200, { 'Content-Type': 'application/x-git-upload-pack-advertisement' });
      response.end(Buffer.concat(packets.map(({ raw }) => raw)));
      return true;
    };
    const { stdout } = await sandbox.git(['cat-file', 'blob', `main:${FILES[2]}`], { cwd: clone });
    canonical.answer = null;
    expect(stdout).toBe(await plainly(['cat-file', 'blob', `main:${FILES[2]}`]));
  });

  test('a server that has left protocol v2 is spoken to in its own', async () => {
    const old = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv, speaks: 'v0' });
    closing.push(() => old.close());
    const clone = await greeted('old protocol', mirror('foreign'));
    canonical.answer = (request, response) => {
      const { host: _, ...headers } = request.headers;
      const options = { port: old.port, path: request.url, method: request.method, headers };
      const inner = send(options, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      request.pipe(inner);
      return true;
    };
    const args = ['cat-file', 'blob', `main:${FILES[2]}`];
    const { stdout } = await sandbox.git(args, { cwd: clone });
    expect(old.requests.length).toBeGreaterThan(0);
    canonical.answer = null;
    expect(stdout).toBe(await plainly(args));
    await expectLeftNothing(clone);
  });

  test('git asks for more than objects, in the words of a lazy fetch', async () => {
    const clone = await greeted('more');
    await addCommits(sandbox, 'served/canonical', 2, { seed: 3 });
    const lazily = ['-c', 'fetch.negotiationAlgorithm=noop'];
    const args = [...lazily, 'fetch', '-q', '--filter=blob:none', 'origin'];
    const { stderr } = await sandbox.git(args, { cwd: clone, env: { GAM_TRACE: '1' } });
    expect(stderr).toMatch(/ canonical-deferred$[^]* canonical-needed$/m);
    const tip = async (repository: string, ref: string) =>
      (await sandbox.git(['rev-parse', ref], { cwd: repository })).stdout;
    expect(await tip(clone, 'origin/main')).toBe(await tip('served/canonical', 'main'));
    await expectLeftNothing(clone);
  });
});

describe.each(PERLS)('a greeting that is remembered (%s)', (perl, env) => {
  const ARGS = ['cat-file', 'blob', `main:${FILES[1]}`];

  test.each<[string, (file: string) => void]>([
    ['is old', (file) => utimesSync(file, 0, Date.now() / 1000 - 700)],
    ['is of the future', (file) => utimesSync(file, 0, Date.now() / 1000 + 7000)],
    ['is cut', (file) => writeFileSync(file, readFileSync(file, 'utf8').slice(0, -30))],
    ['is empty', (file) => writeFileSync(file, '')],
    ['is of another server', (file) => changed(file, `${url}\n`, 'https://other.example/canonical\n')],
    ['is of another hash', (file) => changed(file, '=sha1', '=sha256')],
    ['has no filters', (file) => changed(file, ' filter', '')],
    ['is huge', (file) => changed(file, 'end\n', `${'x=y\n'.repeat(9000)}end\n`)],
    ['holds what is no text', (file) => changed(file, 'agent=', 'agent=\u001b[31m')],
    [
      'is a link',
      (file) => {
        renameSync(file, `${file}.elsewhere`);
        symlinkSync(`${file}.elsewhere`, file);
      },
    ],
    [
      'cannot be read',
      (file) => {
        rmSync(file);
        symlinkSync('/dev/zero', file);
      },
    ],
  ])('and %s: canonical is asked', async (what, spoil) => {
    const clone = await greeted(`spoiled ${what} ${perl}`);
    spoil(remembered());
    const { stdout } = await sandbox.git(ARGS, { cwd: clone, env });
    expect(canonical.requests.length).toBeGreaterThan(0);
    expect(stdout).toBe(await plainly(ARGS));
    await expectLeftNothing(clone);
  });

  function changed(file: string, from: string, to: string): void {
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(from);
    writeFileSync(file, text.replace(from, to));
  }

  test('is the user’s own, and holds no login', async () => {
    const clone = await greeted(`own ${perl}`);
    expect(statSync(remembered()).mode & 0o077).toBe(0);
    rmSync(greetings(), { recursive: true });
    const login = url.replace('://', '://ada:secret@');
    setOrigin(sandbox, clone, { url: `mirror::${login}` });
    await sandbox.git(ARGS, { cwd: clone, env });
    expect(existsSync(greetings())).toBe(false);
  });

  test('is nothing to a fetch without gam', async () => {
    const clone = await greeted(`disabled ${perl}`);
    const { stdout } = await sandbox.git(ARGS, { cwd: clone, env: { ...env, GAM_DISABLE: '1' } });
    expect(mirrors.requests).toEqual([]);
    expect(canonical.requests.length).toBeGreaterThan(0);
    expect(stdout).toBe(await plainly(ARGS));
  });
});

describe('canonical is down', () => {
  const refuse = () => {
    canonical.answer = (_request, response) => {
      response.writeHead(503).end();
      return true;
    };
  };

  test('and the mirror has the objects: they are what git asked for', async () => {
    const expected = await plainly(['log', '-p', '-3', '--format=%H']);
    const clone = await greeted('down');
    refuse();
    const { stdout, stderr } = await sandbox.git(['log', '-p', '-3', '--format=%H'], { cwd: clone });
    expect(stdout).toBe(expected);
    expect(stderr).not.toContain('503');
  });

  test('and the mirror has them not: git fails as without gam', async () => {
    const clone = await greeted('both down', mirror('foreign'));
    await copyRepository(sandbox, 'plain', 'plain down');
    refuse();
    const args = ['cat-file', 'blob', `main:${FILES[1]}`];
    const [plain, gam] = [
      await sandbox.git(args, { cwd: 'plain down', expectStatus: 128 }),
      await sandbox.git(args, { cwd: clone, expectStatus: 128 }),
    ];
    // git has been told already that canonical is there, and is surprised.
    const words = gam.stderr.replace(/^(?:gam: |fatal: the remote end hung up ).*\n/gm, '');
    expect(words).toBe(plain.stderr);
    expect(gam.stdout).toBe(plain.stdout);
    // In the next one nothing is left to be surprised of.
    const again = await sandbox.git(args, { cwd: clone, expectStatus: 128 });
    expect(again.stderr).toBe(plain.stderr);
    await expectLeftNothing(clone);
  });
});

// Whatever asks for a commit gets it only from a canonical that has it.
test('a commit that the mirror has, and canonical has not', async () => {
  const { stdout } = await sandbox.git(['rev-parse', 'main'], { cwd: 'mirrors/ahead' });
  const args = ['cat-file', '-p', stdout.trim()];
  const clone = await greeted('unconfirmed', mirror('ahead'));
  await plainly(args, 128);
  canonical.requests.length = 0;
  await sandbox.git(args, { cwd: clone, expectStatus: 128 });
  expect(mirrors.requests.some(({ path }) => path === '/ahead/git-upload-pack')).toBe(true);
  expect(canonical.requests.some(({ path }) => path === '/canonical/git-upload-pack')).toBe(true);
  await expectLeftNothing(clone);
});

test('fetch origin <id> in a partial clone, as plain git does it', async () => {
  const tip = (await sandbox.git(['rev-parse', 'main'], { cwd: 'mirrors/ahead' })).stdout.trim();
  const old = (await sandbox.git(['rev-parse', 'main~4'], { cwd: 'mirrors/fresh' })).stdout.trim();
  const clone = await greeted('by id', mirror('ahead'));
  for (const options of [[], ['--no-tags'], ['--no-tags', '--depth=1']]) {
    await sandbox.git(['fetch', '-q', ...options, 'origin', old], { cwd: clone });
    await sandbox.git(['fetch', '-q', ...options, 'origin', tip], { cwd: clone, expectStatus: 128 });
  }
  await expectLeftNothing(clone);
});

test('who canonical asks for a login is asked when it is needed, and not before', async () => {
  const clone = await greeted('login');
  const asked = sandbox.path('asked');
  writeFileSync(sandbox.path('bin/askpass'), `#!/bin/sh\necho "$1" >>'${asked}'\necho x\n`);
  chmodSync(sandbox.path('bin/askpass'), 0o755);
  canonical.answer = (_request, response) => {
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="git"' }).end();
    return true;
  };
  const env = { GIT_ASKPASS: sandbox.path('bin/askpass'), GIT_TERMINAL_PROMPT: undefined };
  await sandbox.git(['cat-file', 'blob', `main:${FILES[1]}`], { cwd: clone, env });
  expect(existsSync(asked)).toBe(false);
  setOrigin(sandbox, clone, { mirrorUrl: mirror('foreign') });
  await sandbox.git(['cat-file', 'blob', `main:${FILES[2]}`], { cwd: clone, env, expectStatus: 128 });
  expect(readFileSync(asked, 'utf8')).toContain(canonical.url.replace('http://', ''));
});

test.each(['SIGKILL', 'SIGTERM'] as const)('%s at each step leaves nothing', async (signal) => {
  const args = ['cat-file', 'blob', `main:${FILES[1]}`];
  const ready = await greeted('ready');
  const moments = await learnMoments(sandbox, async (env) => {
    await sandbox.git(args, { cwd: await copyRepository(sandbox, ready, 'learn'), env });
    await expectNoChildren(sandbox);
  });
  const steps = momentsOf(moments, 'helper', 'trace');
  expect(steps.map(({ name }) => name)).toContain('canonical-deferred');
  await expectForEach(everyThird(steps), describeMoment, async (moment) => {
    const clone = await copyRepository(sandbox, ready, `${signal} ${moment.number}`);
    const env = signalAt(sandbox, moment, signal, 'self');
    await sandbox.git(args, { cwd: clone, env, expectStatus: null });
    await expectNoChildren(sandbox);
    if (signal === 'SIGTERM') expect(await leftovers(sandbox, clone)).toEqual([]);
    // What a killed one left the next one takes away.
    await sandbox.git(['cat-file', 'blob', `main:${FILES[2]}`], { cwd: clone });
    await expectLeftNothing(clone);
  });
});
