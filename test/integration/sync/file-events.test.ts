import { once } from 'node:events';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { watchFiles } from '../../../src/sync/file-events.ts';
import { watchWhole } from '../../../src/sync/whole-events.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const isLinux = process.platform === 'linux';

const OURS = JSON.stringify(new URL('../../../src/sync/file-events.ts', import.meta.url).href);
/** Runs TypeScript from standard input. */
const TYPED = [process.execPath, '--import', import.meta.resolve('tsx'), '--input-type=module'];

let sandbox: Sandbox;
let top: string;
let told: Set<string>;
let lost: string[];
let unwatch: (() => Promise<void>) | null;
/** What others in this process watch. */
let others: number;

const events = {
  changed: (paths: readonly string[]) => {
    for (const path of paths) told.add(path);
  },
  lost: (why: string) => {
    lost.push(why);
  },
};

beforeEach(() => {
  sandbox = makeSandbox();
  top = sandbox.path('watched');
  mkdirSync(join(top, 'a', 'b'), { recursive: true });
  [told, lost, unwatch] = [new Set(), [], null];
  others = isLinux ? watches() : 0;
});

afterEach(async () => {
  await unwatch?.();
  const left = isLinux ? watches() : others;
  await sandbox.close();
  expect(left).toBe(others);
});

/** Waits until something holds; fails where it never does. */
async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + 20_000; !holds(); await pause(5))
    if (Date.now() > end) throw new Error(`never; told: ${[...told].join(', ')}; lost: ${lost.join(', ')}`);
}

/** Saves a file and waits until it is told; all that came before it is told by then, too. */
async function saved(path: string): Promise<void> {
  told.clear();
  writeFileSync(join(top, path), `${Math.random()}\n`);
  await until(() => told.has(path));
}

/** How many watches of inotify this process holds (proc(5)). */
function watches(): number {
  const count = (fd: string) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8').match(/^inotify /gm)?.length ?? 0;
    } catch {
      return 0;
    }
  };
  return readdirSync('/proc/self/fdinfo')
    .map(count)
    .reduce((sum, some) => sum + some, 0);
}

describe('of a watched folder', () => {
  test('a saved file is told, at any depth, by its relative name', async () => {
    unwatch = await watchFiles(top, events);
    await saved('one');
    await saved('a/b/two');
    expect(lost).toEqual([]);
  });

  test('a file that changes, changes its mode or its name, or goes is told', async () => {
    writeFileSync(join(top, 'a', 'file'), '');
    unwatch = await watchFiles(top, events);
    await saved('a/file');
    told.clear();
    await sandbox.run('chmod', ['+x', join(top, 'a', 'file')]);
    await until(() => told.has('a/file'));
    renameSync(join(top, 'a', 'file'), join(top, 'a', 'FILE'));
    await until(() => told.has('a/FILE'));
    told.clear();
    rmSync(join(top, 'a', 'FILE'));
    await until(() => told.has('a/FILE'));
  });

  // A folder that is made with others in it at once is heard of when those are already there.
  test('folders that come with others in them at once are watched', async () => {
    unwatch = await watchFiles(top, events);
    const names = Array.from({ length: 50 }, (_, i) => `new-${i}`);
    for (const name of names) {
      mkdirSync(join(top, name, 'x', 'y'), { recursive: true });
      writeFileSync(join(top, name, 'x', 'y', 'file'), '');
      // Some come within one turn of the loop, and some while others are being read.
      if (name.endsWith('7')) await pause(1);
    }
    await until(() => names.every((name) => told.has(name)));
    for (const name of names) await until(() => savedAgain(`${name}/x/y/file`));
    expect(lost).toEqual([]);
  });

  test('folders that come one within the other while those above are looked at are watched', async () => {
    unwatch = await watchFiles(top, events);
    const leaves = Array.from({ length: 300 }, (_, i) => [`${i}`, ...'uvwxyz'.split('')]);
    const grow = async (parts: readonly string[]) => {
      for (let depth = 1; depth <= parts.length; depth++) {
        await mkdir(join(top, ...parts.slice(0, depth)));
        // So that some come just when the one above is being looked at.
        await pause(Math.random() * 10);
      }
    };
    await Promise.all(leaves.map(grow));
    for (const leaf of leaves) await until(() => savedAgain([...leaf, 'file'].join('/')));
    expect(lost).toEqual([]);
  });

  test('what is made in a new folder before that is watched is told, be it as the folder', async () => {
    let isMade = false;
    const changed = (paths: readonly string[]) => {
      events.changed(paths);
      if (isMade || !paths.includes('new')) return;
      isMade = true;
      told.clear();
      writeFileSync(join(top, 'new', 'file'), '');
    };
    unwatch = await watchFiles(top, { ...events, changed });
    mkdirSync(join(top, 'new'));
    await until(() => isMade && (told.has('new') || told.has('new/file')));
  });

  test('folders that are moved in, and renamed, are watched under their new names', async () => {
    const from = sandbox.path('elsewhere');
    mkdirSync(join(from, 'x'), { recursive: true });
    unwatch = await watchFiles(top, events);
    renameSync(from, join(top, 'in'));
    await until(() => savedAgain('in/x/file'));
    renameSync(join(top, 'in'), join(top, 'a', 'renamed'));
    await until(() => savedAgain('a/renamed/x/file'));
    told.clear();
    await saved('a/renamed/x/file');
    expect([...told].filter((path) => path.startsWith('in/'))).toEqual([]);
  });

  // Both are told to be new at one go, and the upper one brings the lower one along.
  test('a folder that is renamed there and back, and gets one within meanwhile, is watched once', async () => {
    unwatch = await watchFiles(top, events);
    renameSync(join(top, 'a'), join(top, 'there'));
    mkdirSync(join(top, 'there', 'new'));
    renameSync(join(top, 'there'), join(top, 'a'));
    await until(() => savedAgain('a/new/file'));
    await saved('a/b/file');
  });

  test('a folder that is removed and made again at once is watched', async () => {
    unwatch = await watchFiles(top, events);
    for (let i = 0; i < 20; i++) {
      rmSync(join(top, 'a'), { recursive: true });
      mkdirSync(join(top, 'a', 'b'), { recursive: true });
    }
    await until(() => savedAgain('a/b/file'));
    rmSync(join(top, 'a'), { recursive: true });
    await until(() => told.has('a'));
    expect(lost).toEqual([]);
  });

  test('nothing is told of .git, also of repositories within, and of those that come', async () => {
    mkdirSync(join(top, '.git', 'objects'), { recursive: true });
    mkdirSync(join(top, 'a', '.git'));
    unwatch = await watchFiles(top, events);
    await sandbox.git(['init', '-q', join(top, 'come')]);
    await until(() => savedAgain('come/file'));
    for (const folder of ['.git', '.git/objects', 'a/.git', 'come/.git'])
      writeFileSync(join(top, folder, 'new'), '');
    mkdirSync(join(top, 'a', 'b', '.git'));
    writeFileSync(join(top, 'a', 'b', 'new'), '');
    await until(() => told.has('a/b/new'));
    writeFileSync(join(top, 'last'), '');
    await until(() => told.has('last'));
    expect([...told].filter((path) => path.includes('.git'))).toEqual([]);
  });

  test('odd names are told as they are', async () => {
    unwatch = await watchFiles(top, events);
    for (const name of ['two\nlines', '-rf', ' ', 'ä', '\u{1F600}', 'back\\slash', 'n'.repeat(255)])
      await saved(name);
    mkdirSync(join(top, 'a\nb', '--'), { recursive: true });
    await until(() => savedAgain('a\nb/--/file'));
  });

  test.runIf(isLinux)('names that are not UTF-8 are told, in their folders, too', async () => {
    const path = (text: string) => Buffer.from(join(top, text), 'latin1');
    mkdirSync(path('f\xe9e'));
    unwatch = await watchFiles(top, events);
    writeFileSync(path('f\xe9e/leaf'), '');
    await until(() => told.has('f\ufffde/leaf'));
    mkdirSync(path('n\xe9e'));
    await until(() => {
      writeFileSync(path('n\xe9e/caf\xe9'), '');
      return told.has('n\ufffde/caf\ufffd');
    });
  });

  test('links in a circle, FIFOs and sockets do no harm', async () => {
    symlinkSync('loop', join(top, 'loop'));
    symlinkSync('..', join(top, 'a', 'up'));
    await sandbox.run('mkfifo', [join(top, 'a', 'fifo')]);
    unwatch = await watchFiles(top, events);
    symlinkSync('../..', join(top, 'a', 'b', 'up'));
    await sandbox.run('mkfifo', [join(top, 'a', 'b', 'fifo')]);
    const server = createServer().listen(join(top, 'a', 'socket'));
    await once(server, 'listening');
    await until(() => ['a/b/up', 'a/b/fifo', 'a/socket'].every((path) => told.has(path)));
    server.close();
    await saved('a/b/file');
    expect([...told].filter((path) => path.includes('up/'))).toEqual([]);
    expect(lost).toEqual([]);
  });

  test('10,000 files that are dropped in are told, or that not all of them are', async () => {
    unwatch = await watchFiles(top, events);
    mkdirSync(join(top, 'drop'));
    for (let i = 0; i < 10_000; i++) writeFileSync(join(top, 'a', `${i}`), '');
    const all = () => Array.from({ length: 10_000 }, (_, i) => `a/${i}`).every((path) => told.has(path));
    await until(() => lost.length > 0 || all());
    // The folder that came among them, too, is watched.
    await until(() => savedAgain('drop/file'));
  });
});

describe.runIf(isLinux)('where events may be lost', () => {
  test('a full queue is told, and everything is watched that came meanwhile', async () => {
    unwatch = await watchFiles(top, events);
    const limit = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
    // Nothing is read while this goes on; two files in turn, since equal events that follow each other become one.
    for (let i = 0; i <= limit / 2; i++)
      for (const name of ['x', 'y']) writeFileSync(join(top, name), 'x', { flag: 'a' });
    mkdirSync(join(top, 'unheard', 'of'), { recursive: true });
    await until(() => lost.length > 0);
    expect(lost).toEqual([expect.stringMatching(/more has changed at once/)]);
    await saved('unheard/of/file');
  });

  // All folders that a process watches wait in one queue.
  test('that is told of another folder, too', async () => {
    const other = sandbox.path('other');
    mkdirSync(other);
    const stop = await watchFiles(other, { changed: () => undefined, lost: () => undefined });
    try {
      unwatch = await watchFiles(top, events);
      const limit = Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'utf8'));
      for (let i = 0; i <= limit / 2; i++)
        for (const name of ['x', 'y']) writeFileSync(join(other, name), 'x', { flag: 'a' });
      mkdirSync(join(top, 'unheard', 'of'), { recursive: true });
      await until(() => lost.length > 0);
      await saved('unheard/of/file');
    } finally {
      await stop();
    }
  });

  test('that the folder itself is removed is told', async () => {
    unwatch = await watchFiles(top, events);
    rmSync(top, { recursive: true });
    await until(() => lost.length > 0);
    expect(lost[0]).toMatch(/watched is not watched: ENOENT/);
    expect(watches()).toBe(others);
  });

  test('that the folder itself is renamed is told', async () => {
    unwatch = await watchFiles(top, events);
    renameSync(top, sandbox.path('away'));
    await until(() => lost.length > 0);
    expect(lost[0]).toMatch(/watched is not watched: ENOENT/);
  });

  test('another folder in its place is watched, and that it is another one is told', async () => {
    unwatch = await watchFiles(top, events);
    renameSync(top, sandbox.path('away'));
    mkdirSync(join(top, 'c'), { recursive: true });
    await until(() => lost.length > 0);
    await saved('c/file');
  });
});

describe('a folder that cannot be watched', () => {
  test('is an error that says so, and leaves nothing open', async () => {
    await expect(watchFiles(join(top, 'none'), events)).rejects.toMatchObject({
      code: 'not-watched',
      message: expect.stringMatching(/none is not watched: ENOENT/),
    });
    if (isLinux) expect(watches()).toBe(others);
  });
});

describe.runIf(isLinux)('where the system watches only so many folders', () => {
  /** What is said where the system watches so many; the test is left out where one may not say so: user_namespaces(7). */
  async function limited(count: number, skip: () => never): Promise<string> {
    const limit = `echo ${count} >/proc/sys/user/max_inotify_watches`;
    const tried = await sandbox.run('sh', ['-c', `unshare -Ur sh -c '${limit}'`], { expectStatus: null });
    if (tried.status !== 0) skip();
    const script = `
      import { mkdirSync } from 'node:fs';
      import { watchFiles } from ${OURS};
      const top = ${JSON.stringify(top)};
      const lost = (why) => { console.log('lost:', why); void stop(); };
      const stop = await watchFiles(top, { changed() {}, lost }).catch((error) => {
        console.log(error.code, error.message, error.suggestion);
      });
      if (stop !== undefined) mkdirSync(top + '/x/y', { recursive: true });
    `;
    const { stdout } = await sandbox.run(
      'unshare',
      ['-Ur', 'sh', '-c', `${limit} && exec "$@"`, 'sh', ...TYPED],
      { input: script },
    );
    return stdout;
  }

  test('it says which limit is to be raised', async ({ skip }) => {
    const said = await limited(2, skip);
    expect(said).toMatch(/^not-watched .*watched is not watched/);
    expect(said).toMatch(/see sysctl fs\.inotify\.max_user_watches/);
  });

  test('and what comes later is told to be lost', async ({ skip }) => {
    expect(await limited(4, skip)).toMatch(/^lost: .*max_user_watches/);
  });
});

describe('when it is no longer watched', () => {
  test.runIf(isLinux)('nothing is open, nothing is told', async () => {
    const stop = await watchFiles(top, events);
    expect(watches()).toBe(others + 3);
    mkdirSync(join(top, 'late', 'comer'), { recursive: true });
    await stop();
    await stop();
    expect(watches()).toBe(others);
    told.clear();
    const elsewhere: string[] = [];
    unwatch = await watchFiles(top, { ...events, changed: (paths) => void elsewhere.push(...paths) });
    writeFileSync(join(top, 'file'), '');
    await until(() => elsewhere.includes('file'));
    expect([...told]).toEqual([]);
  });

  test('the process can end', async () => {
    const script = `
      import { watchFiles } from ${OURS};
      const stop = await watchFiles(${JSON.stringify(top)}, { changed() {}, lost() {} });
      await stop();
    `;
    await sandbox.run(TYPED[0] ?? '', TYPED.slice(1), { input: script });
  });
});

test('where the system watches all below a folder by itself, .git is left out, too', async () => {
  mkdirSync(join(top, '.git'));
  unwatch = await watchWhole(top, events);
  writeFileSync(join(top, '.git', 'new'), '');
  await until(() => savedAgain('a/b/file'));
  expect([...told].filter((path) => path.includes('.git'))).toEqual([]);
});

/** Saves a file each time that it is asked, until one of these is told: a new folder is watched a moment later. */
function savedAgain(path: string): boolean {
  writeFileSync(join(top, path), `${Math.random()}\n`);
  return told.has(path);
}
