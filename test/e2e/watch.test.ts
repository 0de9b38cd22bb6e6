import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { expectNoChildren, fsckComplaints } from '../helpers/evidence.ts';
import { listen } from '../helpers/listening.ts';
import { type Machine, openWatchScene, until, type WatchScene } from '../helpers/watch-scene.ts';

/** Files that are dropped in at once. */
const FILES = 10_000;

let scene: WatchScene;

beforeEach(async () => {
  scene = await openWatchScene();
});

afterEach(() => scene.close());

/** The remote has a file of a name, of this content if it is said. */
async function published(name: string, content?: string): Promise<void> {
  await until(`${name} at the remote`, async () => {
    const shown = await scene.sandbox.git(['show', `main:${name}`], {
      cwd: 'served/remote.git',
      expectStatus: null,
    });
    return shown.status === 0 && (content === undefined || shown.stdout === content);
  });
}

const namesAtRemote = async () =>
  (await scene.git('served/remote.git', 'ls-tree', '-r', '-z', '--name-only', 'main')).split('\0');

/** Puts a commit of somebody else at the remote. */
async function push(name: string, content: string): Promise<void> {
  await scene.git('first', 'pull', '-q', '--rebase');
  writeFileSync(scene.sandbox.path('first', name), content);
  await scene.git('first', 'add', '--', name);
  await scene.git('first', 'commit', '-q', '-m', name);
  await scene.git('first', 'push', '-q', 'origin', 'main');
}

const locks = (machine: Machine) =>
  readdirSync(machine.path('.git'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.lock'),
  );

function hook(file: string, ...lines: string[]): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
}

describe('gam watch run', () => {
  it('waits for a rebase, another branch and locks, clears one that is left, and pushes what the user commits', async () => {
    const machine = await scene.machine('here');
    // A rebase that has stopped, before it even begins.
    await machine.git('commit', '-q', '--allow-empty', '-m', 'own');
    await machine.git('rebase', '-q', '--exec', 'false', 'HEAD~1').catch(() => undefined);
    const running = await machine.watch();
    await machine.is(({ state, why }) => state === 'waiting' && /a rebase is in progress/.test(why ?? ''));
    machine.write('during', '1\n');
    await machine.git('rebase', '--abort');
    await published('during');

    await machine.git('rebase', '-q', '--exec', 'false', 'HEAD~1').catch(() => undefined);
    const during = await scene.tip('served/remote.git');
    machine.write('again', '1\n');
    await machine.is(({ state }) => state === 'waiting');
    assert.equal(await scene.tip('served/remote.git'), during);
    await machine.git('rebase', '--abort');
    await published('again');

    await machine.is(({ state }) => state === 'in-step');
    await machine.git('switch', '-q', '-c', 'other');
    machine.write('elsewhere', '1\n');
    await machine.is(({ state, why }) => state === 'waiting' && /other is checked out/.test(why ?? ''));
    rmSync(machine.path('elsewhere'));
    await machine.git('switch', '-q', 'main');
    await machine.is(({ state }) => state === 'in-step');
    const before = Number(await scene.git('served/remote.git', 'rev-list', '--count', 'main'));
    await machine.git('commit', '-q', '--allow-empty', '-m', 'by hand');
    await until(
      'by hand at the remote',
      async () => (await scene.git('served/remote.git', 'log', '-1', '--format=%s', 'main')) === 'by hand',
    );
    assert.equal(Number(await scene.git('served/remote.git', 'rev-list', '--count', 'main')), before + 1);

    // Nobody changes anything here: what others push has to come all the same.
    const lock = machine.path('.git/index.lock');
    writeFileSync(lock, '');
    const old = new Date(Date.now() - 60_000);
    utimesSync(lock, old, old);
    await push('from-first', '1\n');
    await until('it came', () => machine.read('from-first') === '1\n');
    await running.saw('stdout', /removed an index.lock that a killed git had left/);
    running.kill('SIGTERM');
    assert.equal((await running.ended).status, 0);
    assert.deepEqual(locks(machine), []);
    await expectNoChildren(scene.sandbox);
  });

  it('leaves a lock of a git that is at work', async () => {
    const machine = await scene.machine('here');
    const lock = machine.path('.git/index.lock');
    hook(
      scene.sandbox.path('bin/wait-for-end'),
      `while test -e ${machine.path()}/../go-on; do sleep 0.05; done`,
    );
    writeFileSync(machine.path('../go-on'), '');
    writeFileSync(machine.path('editor'), 'x\n');
    const user = scene.sandbox.start(
      'git',
      ['-c', 'core.editor=wait-for-end', 'commit', '-a', '--allow-empty'],
      { cwd: machine.clone },
    );
    await until('the lock', () => existsSync(lock));
    const old = new Date(Date.now() - 60_000);
    utimesSync(lock, old, old);
    const running = await machine.watch();
    await machine.is(({ state, why }) => state === 'waiting' && /the index is locked/.test(why ?? ''));
    assert.ok(existsSync(lock));
    rmSync(machine.path('../go-on'));
    await user.ended;
    await published('editor');
    running.kill('SIGTERM');
    await running.ended;
  });

  it('tells that a remote refuses, and that a commit cannot be made, and goes on when they can', async () => {
    const machine = await scene.machine('here');
    const running = await machine.watch();
    await machine.is(({ state }) => state === 'in-step');
    hook(scene.sandbox.path('served/remote.git/hooks/pre-receive'), 'echo closed on sundays', 'exit 1');
    machine.write('refused', '1\n');
    await machine.is(({ state, why }) => state === 'problem' && /closed on sundays/.test(why ?? ''));
    rmSync(scene.sandbox.path('served/remote.git/hooks/pre-receive'));
    await published('refused');

    // Ended with git, though it waits for somebody.
    hook(machine.path('.git/hooks/pre-commit'), 'touch begun', 'exec sleep 1000');
    machine.write('hung', '1\n');
    await until('the hook', () => existsSync(machine.path('begun')));
    const began = performance.now();
    // To nobody else of its group, as systemd and gam watch stop have it.
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).status, 0);
    assert.ok(performance.now() - began < 20_000);
    await expectNoChildren(scene.sandbox);
    assert.deepEqual(locks(machine), []);

    hook(machine.path('.git/hooks/pre-commit'), 'echo not like this >&2', 'exit 1');
    const next = await machine.watch();
    await machine.is(({ state, why }) => state === 'problem' && /not like this/.test(why ?? ''));
    rmSync(machine.path('.git/hooks/pre-commit'));
    await published('hung');
    next.kill('SIGINT');
    await next.ended;
    await expectNoChildren(scene.sandbox);
    assert.deepEqual(await fsckComplaints(scene.sandbox, machine.clone), []);
  });

  it.skipIf(process.platform !== 'linux')(
    'goes on by looking where the system watches no more',
    async ({ skip }) => {
      const limit = 'echo 0 >/proc/sys/user/max_inotify_watches';
      const may = await scene.sandbox.run('unshare', ['-Ur', 'sh', '-c', limit], { expectStatus: null });
      if (may.status !== 0) skip();
      const machine = await scene.machine('here');
      machine.write('before', '1\n');
      const watching = ['-Ur', 'sh', '-c', `${limit} && exec "$@"`, 'sh', 'gam', 'watch', 'run'];
      const running = scene.sandbox.start('unshare', watching, { env: machine.env });
      await running.saw('stderr', /is not watched: .*max_user_watches.*; all files are looked at every 30 s/);
      await published('before');
      await push('from-first', '1\n');
      await until('it came', () => machine.read('from-first') === '1\n');
      await machine.is(({ state }) => state === 'in-step');
      running.kill('SIGTERM');
      await running.ended;
    },
  );

  // A limit for files is what a disk with no room is to git: a write that fails. Who watches writes less than that.
  it.skipIf(process.platform !== 'linux')('goes on when the disk has room again', async () => {
    const machine = await scene.machine('here');
    // node has its children begin with the signals as they come; git is to see the error instead.
    const [git] = execFileSync('which', ['git'], { encoding: 'utf8' }).split('\n');
    const bin = scene.sandbox.path('limited');
    mkdirSync(bin);
    writeFileSync(join(bin, 'git'), `#!/bin/sh\ntrap "" XFSZ\nexec ${git} "$@"\n`, { mode: 0o755 });
    const env = { ...machine.env, PATH: `${bin}:${machine.env['PATH']}` };
    const running = scene.sandbox.start('prlimit', ['--fsize=65536:unlimited', 'gam', 'watch', 'run'], {
      env,
    });
    await machine.is(({ state }) => state === 'in-step');
    const tip = await machine.git('rev-parse', 'HEAD');
    machine.write('large', randomBytes(200_000));
    await machine.is(({ state, why }) => state === 'problem' && /File too large|write/.test(why ?? ''));
    assert.equal(await machine.git('rev-parse', 'HEAD'), tip);
    assert.deepEqual(locks(machine), []);
    await scene.sandbox.run('prlimit', [`--pid=${running.child.pid}`, '--fsize=unlimited:unlimited']);
    await published('large');
    await machine.is(({ state }) => state === 'in-step');
    running.kill('SIGTERM');
    assert.equal((await running.ended).status, 0);
    assert.deepEqual(await fsckComplaints(scene.sandbox, machine.clone), []);
  });

  it('goes on when nobody reads what it says', async () => {
    const machine = await scene.machine('here');
    const running = scene.sandbox.start('gam', ['watch', 'run'], { env: machine.env });
    await machine.is(({ state }) => state === 'in-step');
    running.child.stdout?.destroy();
    running.child.stderr?.destroy();
    for (const name of ['one', 'two']) {
      machine.write(name, '1\n');
      await published(name);
    }
    running.kill('SIGTERM');
    assert.equal((await running.ended).status, 0);
    assert.deepEqual(locks(machine), []);
    await expectNoChildren(scene.sandbox);
  });

  it('goes on behind a folder that was removed, and comes back', async () => {
    const machine = await scene.machine('here');
    const running = await machine.watch();
    await machine.is(({ state }) => state === 'in-step');
    const tip = await scene.tip('served/remote.git');
    rmSync(machine.path(), { recursive: true, maxRetries: 5 });
    await machine.is(({ state }) => state === 'gone');
    // The server takes its time, and nobody else is to fetch into what git clone is making.
    let answer = (): void => undefined;
    const asked = new Promise<void>((resolve) => {
      answer = resolve;
    });
    scene.server.before = () => asked;
    const cloning = scene.sandbox.start('git', [
      'clone',
      '-q',
      `${scene.server.url}/remote.git`,
      machine.clone,
    ]);
    await machine.is(({ state, why }) => state === 'waiting' && /somebody may be cloning it/.test(why ?? ''));
    scene.server.requests.length = 0;
    answer();
    const cloned = await cloning.ended;
    assert.equal(cloned.status, 0, cloned.stderr);
    await machine.is(({ state }) => state === 'in-step');
    assert.equal(await scene.tip('served/remote.git'), tip);
    machine.write('anew', '1\n');
    await published('anew');
    running.kill('SIGTERM');
    await running.ended;
  });

  it('commits all that is dropped in, under any name, and tells what it leaves out', async () => {
    const machine = await scene.machine('here', ['--ignore', '*.tmp', '--size-limit', '50k']);
    const running = await machine.watch();
    await machine.is(({ state }) => state === 'in-step');
    for (let one = 0; one < FILES; one += 1) {
      const folder = `drop/${one % 7}/${one % 31}`;
      mkdirSync(machine.path(folder), { recursive: true });
      writeFileSync(machine.path(folder, `${one}`), `${one}\n`);
    }
    const names = [
      'a\nb',
      '-rf',
      '--help',
      'n'.repeat(255),
      `${'d'.repeat(100)}/${'e'.repeat(100)}/${'f'.repeat(120)}`,
      ' ',
      'Z\u00fcrich',
      '"quoted"',
      'Case',
      '*',
    ];
    mkdirSync(machine.path('d'.repeat(100), 'e'.repeat(100)), { recursive: true });
    for (const name of names) machine.write(name, 'x\n');
    machine.write(Buffer.from([0xff, 0x80, 0x2e]), 'bytes\n');
    symlinkSync('loop', machine.path('loop'));
    symlinkSync('..', machine.path('drop/up'));
    await scene.sandbox.run('mkfifo', [machine.path('fifo')]);
    const socket = createServer();
    await listen(socket);
    await new Promise<void>((resolve) => void socket.close(() => resolve()));
    const local = createServer().listen('local', () => undefined);
    local.close();
    await scene.sandbox.git(['init', '-q', `${machine.clone}/nested`]);
    writeFileSync(machine.path('nested/inner'), '1\n');
    machine.write('large', 'l'.repeat(51_201));
    machine.write('fit', 'l'.repeat(51_200));
    machine.write('x.tmp', '1\n');
    machine.write('.gitignore', '*.log\n');
    machine.write('x.log', '1\n');
    machine.write('unreadable', '1\n');
    await machine.is(({ leftOut }) => leftOut.length >= 2);
    await until('all of them', async () => (await namesAtRemote()).length >= FILES + names.length + 7);
    const there = new Set(await namesAtRemote());
    for (const name of [...names, 'loop', 'drop/up', 'fit', '.gitignore']) assert.ok(there.has(name), name);
    for (const name of ['fifo', 'nested', 'nested/inner', 'large', 'x.tmp', 'x.log'])
      assert.ok(!there.has(name), name);
    assert.deepEqual(
      machine
        .status()
        ?.leftOut.map(({ path, why }) => `${path} ${why}`)
        .sort(),
      ['large is larger than 50.0 KiB', 'nested is a repository of its own'],
    );

    // A tracked file that becomes a pipe, and one that changes only the case of its name.
    rmSync(machine.path('shared'));
    await scene.sandbox.run('mkfifo', [machine.path('shared')]);
    await machine.git('mv', 'Case', 'case');
    await published('case');
    await machine.is(({ leftOut }) => leftOut.some(({ path }) => path === 'shared'));
    assert.ok(!(await namesAtRemote()).includes('Case'));
    assert.ok((await namesAtRemote()).includes('shared'));
    // New folders within new folders are followed.
    machine.write('drop/6/30/later', '1\n');
    await published('drop/6/30/later');
    // The index is as it would be if git had done it.
    assert.equal((await machine.git('status', '--porcelain', '--untracked-files=no')).trim(), 'M shared');
    running.kill('SIGTERM');
    await running.ended;
    assert.deepEqual(await fsckComplaints(scene.sandbox, machine.clone), []);
  });

  it('leaves a file that is still growing until it is whole', async () => {
    const machine = await scene.machine('here', ['--delay', '2s']);
    const running = await machine.watch();
    await machine.is(({ state }) => state === 'in-step');
    let content = '';
    for (let step = 0; step < 12; step += 1) {
      content += 'line\n';
      machine.write('growing', content);
      if (step === 6) machine.write('beside', '1\n');
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    await published('growing', content);
    const commits = await scene.git('served/remote.git', 'log', '--format=%H', 'main', '--', 'growing');
    assert.equal(commits.split('\n').length, 1);
    running.kill('SIGTERM');
    await running.ended;
  });

  it('says that another is at work, takes up what is added, and starts and ends in the background', async () => {
    const machine = await scene.machine('here');
    const running = await machine.watch();
    await machine.is(({ state }) => state === 'in-step');
    const second = await scene.sandbox.run('gam', ['watch', 'run'], { env: machine.env, expectStatus: null });
    assert.notEqual(second.status, 0);
    assert.match(second.stderr, /another gam watch is at work/);
    for (const name of ['more', 'third'])
      await scene.sandbox.git(['clone', '-q', `${scene.server.url}/remote.git`, name]);
    // Two at once, and the first in another way: nobody is watched twice, or forgotten.
    await Promise.all(
      [
        ['watch', 'add', scene.sandbox.path('more'), '--delay', '100ms'],
        ['watch', 'add', machine.path(), '--delay', '150ms'],
        ['watch', 'add', scene.sandbox.path('third'), '--delay', '100ms'],
      ].map(async (args) => {
        for (let tries = 0; tries < 20; tries += 1) {
          // git config takes no turn with another.
          const { status } = await scene.sandbox.run('gam', args, { env: machine.env, expectStatus: null });
          if (status === 0) return;
        }
        throw new Error('never added');
      }),
    );
    writeFileSync(scene.sandbox.path('third/added'), '1\n');
    await published('added');
    // The list changes faster than a folder is left and taken up again.
    const list = scene.sandbox.path('here/config/gam/watch');
    for (let turn = 1; turn <= 12; turn += 1) {
      const key = `folder.${machine.path()}.delay`;
      await scene.sandbox.git(['config', '--file', list, key, `${100 + turn}ms`]);
      running.child.kill('SIGHUP');
    }
    await until(
      'it is everywhere',
      () => machine.read('added') === '1\n' && existsSync(scene.sandbox.path('more/added')),
    );
    running.child.kill('SIGTERM');
    assert.equal((await running.ended).status, 0);
    await expectNoChildren(scene.sandbox);

    assert.match(await machine.gam('watch', 'start'), /watching 3 folders, as process [0-9]+/);
    assert.match(await machine.gam('watch', 'start'), /at work already/);
    machine.write('background', '1\n');
    await published('background');
    assert.match(await machine.gam('watch', 'stop'), /watches no more/);
    assert.match(await machine.gam('watch', 'stop'), /nobody watches/);
    await expectNoChildren(scene.sandbox);
  });

  it('does all once, or tells what it would do', async () => {
    const machine = await scene.machine('here');
    machine.write('once', '1\n');
    await push('theirs', '1\n');
    const tip = await machine.git('rev-parse', 'HEAD');
    const told = await scene.sandbox.run('gam', ['watch', 'run', '--once', '--dry-run'], {
      env: machine.env,
    });
    assert.match(told.stderr, /would commit|would be brought forward/);
    assert.equal(await machine.git('rev-parse', 'HEAD'), tip);
    assert.equal(await machine.git('status', '--porcelain'), '?? once');
    await scene.sandbox.run('gam', ['watch', 'run', '--once', '-q'], { env: machine.env });
    assert.equal(machine.read('theirs'), '1\n');
    assert.ok((await namesAtRemote()).includes('once'));
    scene.server.answer = (request, response) => {
      request.resume();
      response.writeHead(503).end();
      return true;
    };
    machine.write('offline', '1\n');
    const failed = await scene.sandbox.run('gam', ['watch', 'run', '--once'], {
      env: machine.env,
      expectStatus: 1,
    });
    assert.match(failed.stderr, /origin cannot be reached/);
    assert.equal(await machine.git('status', '--porcelain'), '');
    await expectNoChildren(scene.sandbox);
  });
});
