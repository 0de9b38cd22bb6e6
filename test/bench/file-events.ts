import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bundleOurs } from './file-events/ours.ts';
import { Subject } from './file-events/subject.ts';
import { runInterruptibly } from './interruptible.ts';

// Which library tells of changes in a watched folder of 50,000 files, at what price, and what it keeps to itself:
//
//     npx tsx test/bench/file-events.ts <way> [<the library's entry>]
//
// A way is one of those in file-events/watcher.js. None has to be in package.json: the entry is a file. On Linux only.

const FOLDERS = 1000;
const FILES = 50_000;
/** What was not told by then counts as not told. */
const PATIENCE = 3000;

const [way = '', entry] = process.argv.slice(2);

/** 10 folders of 10 folders of 10, with 50 files each. */
function layOut(top: string): string[] {
  const folders = Array.from({ length: FOLDERS }, (_, i) =>
    join(top, ...String(i).padStart(3, '0').split('')),
  );
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    for (let i = 0; i < FILES / FOLDERS; i++) writeFileSync(join(folder, `file-${i}.txt`), `${i}\n`);
  }
  mkdirSync(join(top, '.git', 'objects'), { recursive: true });
  return folders;
}

const say = (what: string, figure: string) => console.log(`${what.padEnd(56)} ${figure}`);

await runInterruptibly(
  async (sandbox) => {
    const top = sandbox.path('watched');
    const folders = layOut(top);
    const subject = new Subject(way, top, way === 'gam' ? await bundleOurs(sandbox.path('ours.mjs')) : entry);
    /** How many of some changes are told. */
    const toldOf = async (paths: readonly string[], ms = PATIENCE): Promise<number> => {
      // Who is told of a folder looks at all that is in it.
      const above = (path: string): boolean =>
        subject.told.has(path) || (path.startsWith(`${top}/`) && above(dirname(path)));
      await subject.until(() => paths.every(above), ms);
      return paths.filter(above).length;
    };
    const ask = async (what: string, paths: readonly string[], change: () => unknown): Promise<void> => {
      await subject.quiet(300);
      subject.told.clear();
      await change();
      const count = await toldOf(paths);
      say(what, `${count} of ${paths.length} told${subject.isAlive ? '' : ', and it died'}`);
    };
    try {
      say('until it watches', `${Math.round(await subject.ready())} ms`);
      await subject.quiet(1000);
      const { now, most } = subject.memory();
      say('resident memory, the most of it', `${Math.round(now / 1024)} MiB, ${Math.round(most / 1024)} MiB`);
      say('watches', String(subject.watches()));
      const before = subject.busy();
      await pause(20_000);
      say('processor while nothing happens', `${(((subject.busy() - before) / 20) * 100).toFixed(2)} %`);

      const delays: number[] = [];
      for (const folder of folders.slice(0, 9)) {
        const file = join(folder, 'file-7.txt');
        const start = Date.now();
        writeFileSync(file, 'saved\n');
        if ((await toldOf([file])) === 1) delays.push((subject.told.get(file) ?? 0) - start);
      }
      delays.sort((a, b) => a - b);
      say('a saved file is told after, median of 9', `${delays[4] ?? 'never'} ms`);

      const drop = join(top, '0', '0', '0');
      const dropped = Array.from({ length: 10_000 }, (_, i) => join(drop, `dropped-${i}`));
      await subject.quiet(300);
      const start = Date.now();
      for (const file of dropped) writeFileSync(file, 'x');
      const written = Date.now() - start;
      const count = await toldOf(dropped, 20_000);
      const last = Math.max(...dropped.map((file) => subject.told.get(file) ?? 0)) - start;
      say('10,000 files dropped in', `${count} told, the last after ${last} ms (written in ${written} ms)`);

      const trees = Array.from({ length: 50 }, (_, i) => join(top, `new-${i}`));
      const leaves = trees.map((tree) => join(tree, 'a', 'b', 'leaf'));
      await ask('50 new folders with two more and a file in each', leaves, () => {
        for (const tree of trees) mkdirSync(join(tree, 'a', 'b'), { recursive: true });
        for (const leaf of leaves) writeFileSync(leaf, 'x');
      });
      const save = (files: readonly string[]) => () => {
        for (const file of files) writeFileSync(file, 'later\n');
      };
      await ask('  a file in the innermost saved, later', leaves, save(leaves));

      const moved = Array.from({ length: 20 }, (_, i) => `moved-${i}`);
      const inside = moved.map((name) => join(top, name, 'a', 'b', 'leaf'));
      for (const name of moved) mkdirSync(sandbox.path(name, 'a', 'b'), { recursive: true });
      await ask(
        '20 folders moved in',
        moved.map((name) => join(top, name)),
        () => {
          for (const name of moved) renameSync(sandbox.path(name), join(top, name));
        },
      );
      await ask('  a file in the innermost saved, later', inside, save(inside));
      const elsewhere = moved.map((name) => join(top, `re${name}`));
      await ask('20 folders renamed', elsewhere, () => {
        for (const name of moved) renameSync(join(top, name), join(top, `re${name}`));
      });
      const renamed = elsewhere.map((folder) => join(folder, 'a', 'b', 'leaf'));
      await ask('  a file in the innermost saved, later', renamed, save(renamed));
      await ask('20 folders removed', elsewhere, () => {
        for (const folder of elsewhere) rmSync(folder, { recursive: true });
      });

      const odd = ['two\nlines', '-rf', 'ä', 'ŝ'.repeat(127)].map((name) => join(top, name));
      await ask('a newline, a dash, no ASCII, 254 bytes in a name', odd, save(odd));
      const bytes = (text: string) => Buffer.from(text, 'latin1');
      const strange = bytes(join(top, 'caf\xe9'));
      await ask('a file whose name is not UTF-8', [join(top, 'caf\ufffd')], () =>
        writeFileSync(strange, 'x'),
      );
      const folder = bytes(join(top, 'f\xe9e'));
      await ask('a folder whose name is not UTF-8', [join(top, 'f\ufffde')], () => mkdirSync(folder));
      await ask('  a file in it', [join(top, 'f\ufffde', 'leaf')], () =>
        writeFileSync(Buffer.concat([folder, bytes('/leaf')]), 'x'),
      );
      await ask('a name that changes its case', [join(top, 'Ä')], () =>
        renameSync(odd[2] ?? '', join(top, 'Ä')),
      );
      const loops = [join(top, 'loop'), join(drop, 'up')];
      await ask('symbolic links that lead in a circle', loops, () => {
        symlinkSync('loop', loops[0] ?? '');
        symlinkSync('../../..', loops[1] ?? '');
      });
      const fifo = join(top, 'fifo');
      await ask('a FIFO', [fifo], () => sandbox.run('mkfifo', [fifo]));
      const socket = join(top, 'socket');
      const server = createServer();
      await ask('a socket', [socket], () => server.listen(socket));
      server.close();
      await ask('100 files under .git, which nobody wants to know', [], () => {
        for (let i = 0; i < 100; i++) writeFileSync(join(top, '.git', 'objects', `${i}`), 'x');
      });
      await subject.quiet(300);
      const git = [...subject.told.keys()].filter((path) => path.includes('/.git'));
      say('  told of them', String(git.length));

      say('errors up to here', subject.errors.join('; ') || 'none');
      await subject.children(2000);
      const after = ['after-1', 'after-2', 'after-3'].map((name) => join(top, name));
      await ask('after 2,000 children of its own, 8 at a time: three files', after, save(after));
      say('  errors', [...new Set(subject.errors)].join('; ') || 'none');

      const flood = Array.from({ length: 30_000 }, (_, i) => join(folders[i % FOLDERS] ?? '', `flood-${i}`));
      await ask('30,000 files while it is held up', flood, () => subject.heldUp(save(flood)));
      say('  errors', [...new Set(subject.errors)].join('; ') || 'none');

      const { most: peak } = subject.memory();
      say('resident memory in the end, the most of it', `${Math.round(peak / 1024)} MiB`);

      await ask('the folder itself is removed', [top], () => rmSync(top, { recursive: true }));
      say('  errors, alive', `${[...new Set(subject.errors)].join('; ') || 'none'}, ${subject.isAlive}`);
    } finally {
      await subject.end();
    }
    return 0;
  },
  () => undefined,
);
