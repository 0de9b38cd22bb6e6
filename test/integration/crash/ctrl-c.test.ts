import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { makeBundle } from '../../helpers/bundles.ts';
import { untilNothing } from '../../helpers/bystanders.ts';
import type { Running } from '../../helpers/child.ts';
import { expectClean, expectNoChildren } from '../../helpers/evidence.ts';
import { startHttpServer } from '../../helpers/http-server.ts';
import { type Line, openLine } from '../../helpers/line.ts';
import { setOrigin } from '../../helpers/repository.ts';
import { expectFetched, type Scene, setScene } from '../../helpers/scene.ts';

// Ctrl-C under `gam clone` and `gam fetch`: as a terminal does it, everyone in the process group gets the signal.

/** Bytes after which a mirror sends its pack, and falls silent. */
const MIDDLE = 4000;

let scene: Scene;
/** Lines that fall silent in the middle of a pack; to the mirror, to the mirror again, to canonical. */
let lines: [Line, Line, Line];

beforeAll(async () => {
  scene = await setScene({ transport: 'http' });
  // Nobody is faster than the one whose turn it is.
  await scene.sandbox.git(['config', '--global', 'gam.raceDelay', '100s']);
  const open = () => openLine({ to: scene.server.port, fault: { kind: 'stall', after: MIDDLE } });
  lines = [await open(), await open(), await open()];
});

beforeEach(() => {
  rmSync(scene.sandbox.path('home/.local'), { recursive: true, force: true });
});

afterAll(async () => {
  await Promise.all(lines.map((line) => line.close()));
  await scene.close();
});

function at(line: Line, repository = 'mirror.git'): string {
  return `http://127.0.0.1:${line.port}/${repository}`;
}

/** Starts a command that works until the line falls silent. */
async function untilSilent(
  line: Line,
  args: readonly string[],
  { cwd = '.', env = {} } = {},
): Promise<Running> {
  const before = line.bytesDown;
  const running = scene.sandbox.start('gam', args, { cwd, env });
  await Promise.race([line.reached(before + MIDDLE), running.ended]);
  return running;
}

function cloning(mirrors: readonly string[], to: string, canonical = scene.canonical): string[] {
  const settings = mirrors.flatMap((url) => ['-c', `remote.origin.mirrorUrl=${url}`]);
  return ['clone', ...settings, canonical, to];
}

async function fetching(name: string, mirrors: readonly string[]): Promise<string> {
  const clone = await scene.copy(name);
  setOrigin(scene.sandbox, clone, { mirrorUrl: mirrors });
  return clone;
}

const LEAVING = /^(?:\^C)?gam: leaving 127\.0\.0\.1:\d+; Ctrl-C again within 2 s stops$/m;

/** Nothing runs, and what the commands needed for themselves is gone. */
async function expectNothingLeft(): Promise<void> {
  await expectNoChildren(scene.sandbox);
  expect(readdirSync(scene.sandbox.path('tmp'))).toEqual([]);
}

describe('the first leaves the mirror in hand', () => {
  test.each(['another mirror', 'canonical'])('%s goes on with a clone', async (next) => {
    const to = `clone-to-${next.replace(' ', '-')}`;
    const mirrors = [at(lines[0]), ...(next === 'canonical' ? [] : [scene.mirror])];
    const running = await untilSilent(lines[0], cloning(mirrors, to));
    running.kill('SIGINT');
    const { status, stderr } = await running.ended;
    expect([status, stderr]).toEqual([0, expect.stringMatching(LEAVING)]);
    expect(stderr.match(/^gam: passing over /gm)).toHaveLength(1);
    if (next !== 'canonical') expect(stderr).toMatch(/^gam: .*% saved\)$/m);
    await expectFetched(scene, to);
    await expectNothingLeft();
  });

  test.each(['another mirror', 'canonical'])('%s goes on with a fetch', async (next) => {
    const mirrors = [at(lines[0]), ...(next === 'canonical' ? [] : [scene.mirror])];
    const clone = await fetching(`fetch-to-${next.replace(' ', '-')}`, mirrors);
    const running = await untilSilent(lines[0], ['fetch', 'origin'], { cwd: clone });
    running.kill('SIGINT');
    const { status, stderr } = await running.ended;
    expect([status, stderr]).toEqual([0, expect.stringMatching(LEAVING)]);
    await expectFetched(scene, clone);
    await expectNothingLeft();
  });

  test.each(['another mirror', 'canonical'])('%s goes on with a clone that a bundle began', async (next) => {
    const { sandbox, mirror } = scene;
    await makeBundle(sandbox, 'served/mirror.git', 'files/mirror.bundle');
    const files = await startHttpServer({
      root: sandbox.path('files'),
      env: sandbox.serverEnv,
      speaks: 'dumb',
    });
    const line = await openLine({ to: files.port, fault: { kind: 'stall', after: MIDDLE } });
    onTestFinished(async () => {
      await line.close();
      await files.close();
    });
    const to = `bundle-to-${next.replace(' ', '-')}`;
    const mirrors = [at(line, 'mirror.bundle'), ...(next === 'canonical' ? [] : [mirror])];
    const running = await untilSilent(line, cloning(mirrors, to));
    running.kill('SIGINT');
    const { status, stderr } = await running.ended;
    expect([status, stderr]).toEqual([0, expect.stringMatching(LEAVING)]);
    expect(stderr.match(/^gam: passing over .*$/gm)).toEqual([expect.stringMatching(/left by Ctrl-C/)]);
    if (next !== 'canonical') expect(stderr).toMatch(/^gam: .*% saved\)$/m);
    await expectFetched(scene, to);
    await expectNothingLeft();
  });

  test('nobody but gam need get the signal', async () => {
    const running = await untilSilent(lines[0], cloning([at(lines[0])], 'alone'));
    running.child.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0, stderr: expect.stringMatching(LEAVING) });
    await expectFetched(scene, 'alone');
  });

  test('a shallow clone goes on, too', async () => {
    const words = cloning([at(lines[0], 'canonical.git')], 'shallow');
    const running = await untilSilent(lines[0], [...words, '--depth=1', '--no-single-branch']);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0, stderr: expect.stringMatching(LEAVING) });
    await expectClean(scene.sandbox, 'shallow');
    await expectNothingLeft();
  });

  test('it is not said under -q, and does not count as a failure of the mirror', async () => {
    const running = await untilSilent(lines[0], [...cloning([at(lines[0])], 'quiet'), '-q']);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0, stdout: '', stderr: '' });
    const { stdout } = await scene.sandbox.run('gam', ['mirrors', 'list', '--json'], { cwd: 'quiet' });
    expect(JSON.parse(stdout)).toMatchObject([{ url: at(lines[0]), state: 'ready' }]);
  });

  test('on a terminal', async () => {
    const { sandbox } = scene;
    const command = `gam ${cloning([at(lines[0]), scene.mirror], 'typed').join(' ')}`;
    const before = lines[0].bytesDown;
    const typing = `(while [ ! -e press ]; do sleep 0.05; done; printf '\\003')`;
    const running = sandbox.start('sh', ['-c', `${typing} | script -qec "${command}" typescript`]);
    await lines[0].reached(before + MIDDLE);
    await sandbox.run('touch', ['press']);
    const { stdout } = await running.ended;
    expect(stdout.replaceAll('\r', '')).toMatch(LEAVING);
    await expectFetched(scene, 'typed');
    await expectNothingLeft();
  });
});

describe('it stops', () => {
  test('with a second one within two seconds', async () => {
    const running = await untilSilent(lines[0], cloning([at(lines[0]), at(lines[1])], 'stopped'));
    running.kill('SIGINT');
    await running.saw('stderr', LEAVING);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({
      status: 130,
      stderr: expect.stringMatching(/^gam: stopped$/m),
    });
    expect(existsSync(scene.sandbox.path('stopped'))).toBe(false);
    await expectNothingLeft();
  });

  test('and a fetch leaves everything as it was', async () => {
    const clone = await fetching('unfetched', [at(lines[0]), at(lines[1])]);
    const running = await untilSilent(lines[0], ['fetch'], { cwd: clone });
    running.kill('SIGINT');
    await running.saw('stderr', LEAVING);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 130 });
    expect(await scene.isUntouched(clone)).toBe(true);
    await expectClean(scene.sandbox, clone);
    await expectNothingLeft();
  });

  test('with the first one, where no mirror sends', async () => {
    const words = cloning(['/nowhere'], 'without', at(lines[2], 'canonical.git'));
    const running = await untilSilent(lines[2], words);
    running.kill('SIGINT');
    const { status, stderr } = await running.ended;
    expect([status, stderr]).toEqual([130, expect.stringMatching(/^gam: stopped$/m)]);
    expect(stderr).not.toMatch(LEAVING);
    expect(existsSync(scene.sandbox.path('without'))).toBe(false);
    await expectNothingLeft();
  });

  test('SIGTERM ends git, and with it the command', async () => {
    const running = await untilSilent(lines[0], cloning([at(lines[0])], 'ended'));
    running.child.kill('SIGTERM');
    expect(await running.ended).toMatchObject({ status: 143 });
    expect(existsSync(scene.sandbox.path('ended'))).toBe(false);
    await expectNothingLeft();
  });
});

describe('git is kept from the signal', () => {
  function failing(name: string): () => void {
    const path = scene.sandbox.path('bin', name);
    writeFileSync(path, '#!/bin/sh\nexit 1\n');
    chmodSync(path, 0o755);
    return () => void scene.sandbox.run('rm', [path]);
  }

  test('by perl where env cannot', async () => {
    const mend = failing('env');
    // The launcher of gam is started by the system's own env.
    const running = await untilSilent(lines[0], cloning([at(lines[0])], 'by-perl'));
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 0, stderr: expect.stringMatching(LEAVING) });
    mend();
    await expectFetched(scene, 'by-perl');
    await expectNothingLeft();
  });

  test('and not where its helper cannot be reached: then it ends with the first one', async () => {
    const { sandbox } = scene;
    const before = lines[0].bytesDown;
    const words = cloning([at(lines[0])], 'unreached');
    const running = sandbox.start('gam', words, { env: { TMPDIR: `/${'x'.repeat(200)}` } });
    await Promise.race([lines[0].reached(before + MIDDLE), running.ended]);
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 130 });
    expect(existsSync(sandbox.path('unreached'))).toBe(false);
    await expectNothingLeft();
  });

  test('and ends with the first one where nothing can', async () => {
    const mend = [failing('env'), failing('perl')];
    // The launcher makes no use of a perl that has options of the user's own.
    const env = { PERL5OPT: '' };
    const running = await untilSilent(lines[0], cloning([at(lines[0])], 'by-nobody'), { env });
    running.kill('SIGINT');
    expect(await running.ended).toMatchObject({ status: 130 });
    for (const one of mend) one();
    expect(existsSync(scene.sandbox.path('by-nobody'))).toBe(false);
    await expectNothingLeft();
  });
});

test('git still asks for a password on the terminal', async () => {
  const { sandbox } = scene;
  const login = { user: 'u', password: 'secret' };
  const server = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv, login });
  const command = `gam ${cloning(['/nowhere'], 'asked', `${server.url}/canonical.git`).join(' ')}`;
  // What is typed before a question is asked is thrown away (tcsetattr(3), TCSAFLUSH).
  const typing = ['name', 'password'].map(
    (what) => `while [ ! -e ${what} ]; do sleep 0.05; done; cat ${what}`,
  );
  const running = sandbox.start(
    'sh',
    ['-c', `(${typing.join(';')}) | script -qfec "${command}" typescript`],
    {
      env: { GIT_TERMINAL_PROMPT: '1' },
    },
  );
  const answer = (file: string, text: string) => {
    writeFileSync(sandbox.path(`${file}.lock`), `${text}\n`);
    return sandbox.run('mv', [`${file}.lock`, file]);
  };
  await running.saw('stdout', /Username for .*: $/);
  await answer('name', login.user);
  await running.saw('stdout', /Password for .*: $/);
  await answer('password', login.password);
  const { stdout } = await running.ended;
  await server.close();
  expect(stdout).not.toContain(login.password);
  expect(await untilNothing(() => (existsSync(sandbox.path('asked/.git/HEAD')) ? [] : [stdout]))).toEqual([]);
  await expectFetched(scene, 'asked');
  await expectNothingLeft();
});
