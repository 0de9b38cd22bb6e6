import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

// A bare node that watches a folder and tells its parent of it: `watcher.js <way> <folder> <the library's entry>`.
// Plain JavaScript, so that what it weighs is node and the library, and no loader.

const [way, top, entry] = process.argv.slice(2);
const library = entry === undefined ? null : await import(pathToFileURL(entry).href);

let batch = [];
function told(path) {
  if (batch.push(path) === 1)
    setImmediate(() => {
      process.send({ paths: batch });
      batch = [];
    });
}
const failed = (error) => process.send({ error: String(error.message) });
process.on('uncaughtException', (error) => process.send({ error: `uncaught: ${error.message}` }));

const isGit = (path) => /[\\/]\.git(?:[\\/]|$)/.test(path);
const chokidar = (ignored) =>
  new Promise((resolve) => {
    const settings = { ignored, ignoreInitial: true, followSymlinks: false, atomic: false };
    const watcher = library.watch(top, settings);
    watcher.on('error', failed).on('ready', resolve);
    watcher.on('all', (_, path) => told(path));
    // Not of a file, which is in no list of chokidar's then, but of its folder.
    watcher.on('raw', (_, name, { watchedPath }) =>
      told(name === null ? watchedPath : join(watchedPath, name)),
    );
  });

const WAYS = {
  parcel: () =>
    library.default.subscribe(
      top,
      (error, events) => {
        if (error !== null) failed(error);
        for (const { path } of events) told(path);
      },
      { ignore: ['.git', '**/.git', '**/.git/**'] },
    ),
  chokidar: () => chokidar((path) => isGit(path)),
  'chokidar-folders': () => chokidar((path, stats) => isGit(path) || stats?.isDirectory() === false),
  watchpack: () =>
    new Promise((resolve) => {
      const watcher = new library.default({ aggregateTimeout: 50, followSymlinks: false, ignored: isGit });
      watcher.on('aggregated', (changed, removed) => {
        for (const path of [...changed, ...removed]) told(path);
      });
      watcher.on('change', told).on('remove', told).on('error', failed);
      watcher.watch({ directories: [top], startTime: Date.now() });
      // It does not tell when its first look is over.
      const wait = (ticks, last) => {
        const seen = process.resourceUsage().fsRead + process.cpuUsage().user;
        if (ticks > 5) resolve();
        else setTimeout(wait, 100, seen - last < 5000 ? ticks + 1 : 0, seen);
      };
      wait(0, 0);
    }),
  gam: () =>
    library.watchFiles(top, {
      changed: (paths) => {
        for (const path of paths) told(join(top, path));
      },
      lost: (why) => failed(new Error(`lost: ${why}`)),
    }),
  node: () => watch(top, { recursive: true }, (_, name) => told(join(top, name ?? ''))).on('error', failed),
};

const start = performance.now();
await WAYS[way]();
process.send({ ready: performance.now() - start });

// A daemon starts git all the time, and hears of the end of each.
process.on('message', ({ children }) => {
  let [begun, left] = [0, children];
  const one = () => {
    if (begun++ < children)
      spawn('true').once('close', () => {
        if (--left === 0) process.send({ children });
        one();
      });
  };
  for (let i = 0; i < 8; i++) one();
});
