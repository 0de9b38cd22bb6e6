import assert from 'node:assert/strict';
import { mkdirSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { watchFiles } from '../../../src/sync/file-events.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';
import { until } from '../../helpers/watch-scene.ts';

let sandbox: Sandbox;
const open: (() => Promise<void>)[] = [];

beforeEach(() => {
  sandbox = makeSandbox();
});

afterEach(async () => {
  for (const end of open.splice(0)) await end();
  await sandbox.close();
});

/** Watches a folder, and tells what was heard of. */
async function listen(name: string): Promise<{ heard: Set<string>; lost: string[]; latest: () => number }> {
  const heard = new Set<string>();
  const lost: string[] = [];
  let latest = performance.now();
  const end = await watchFiles(realpathSync(sandbox.path(name)), {
    changed: (paths) => {
      for (const path of paths) heard.add(path);
      latest = performance.now();
    },
    lost: (why) => lost.push(why),
  });
  open.push(end);
  return { heard, lost, latest: () => latest };
}

const QUIET_MS = 1000;

/** Changes a file again and again until somebody is heard of it: to be heard late is another thing than never. */
async function expectHeard(
  name: string,
  heard: ReadonlySet<string>,
  files: readonly string[],
): Promise<void> {
  const end = performance.now() + 10_000;
  const missing = () => files.filter((file) => !heard.has(file));
  while (missing().length > 0 && performance.now() < end) {
    for (const file of missing()) writeFileSync(sandbox.path(name, file), 'late');
    await pause(200);
  }
  assert.deepEqual(missing(), []);
}

describe('watchFiles', () => {
  it('hears of files in folders that were made at one go, moved, and renamed, however deep', async () => {
    mkdirSync(sandbox.path('top/.git'), { recursive: true });
    mkdirSync(sandbox.path('elsewhere/in/side'), { recursive: true });
    const { heard, latest } = await listen('top');
    mkdirSync(sandbox.path('top/a/b/c/d'), { recursive: true });
    renameSync(sandbox.path('elsewhere'), sandbox.path('top/moved'));
    await until('quiet', () => performance.now() - latest() > QUIET_MS);
    const made = ['a/one', 'a/b/c/two', 'a/b/c/d/three', 'moved/in/side/four'];
    await expectHeard('top', heard, made);
    renameSync(sandbox.path('top/a'), sandbox.path('top/z'));
    await until('the new name', () => heard.has('z'));
    await until('quiet', () => performance.now() - latest() > QUIET_MS);
    heard.clear();
    await expectHeard('top', heard, ['z/b/c/two', 'z/b/c/d/three']);
    writeFileSync(sandbox.path('top/.git/index'), '');
    await expectHeard('top', heard, ['z/five']);
    assert.deepEqual(
      [...heard].filter((path) => path.includes('.git')),
      [],
    );
  });

  // A folder that was made while the folders were gathered, to be watched one after the other, was watched by nobody until the next was made.
  it('misses no folder that is made while it takes up others', async () => {
    const names = Array.from({ length: 4 }, (_, index) => `top-${index}`);
    for (const name of names)
      for (let one = 0; one < 2500; one += 1)
        mkdirSync(sandbox.path(name, `${one % 20}/${one}`), { recursive: true });
    const listening = await Promise.all(names.map(listen));
    for (const name of names) mkdirSync(sandbox.path(name, 'first'));
    // One folder more, each at another moment of what follows.
    await Promise.all(
      names.map(async (name, index) => {
        await pause(300 + 40 * index);
        mkdirSync(sandbox.path(name, 'x/y'), { recursive: true });
      }),
    );
    await until('quiet', () => listening.every(({ latest }) => performance.now() - latest() > QUIET_MS));
    for (const [index, { heard }] of listening.entries())
      await expectHeard(names[index] ?? '', heard, ['x/one', 'x/y/two']);
  });

  it('hears of folders whose names are no UTF-8', async () => {
    mkdirSync(sandbox.path('top'));
    const { heard, latest } = await listen('top');
    const name = Buffer.concat([Buffer.from(`${sandbox.path('top')}/`), Buffer.from([0xff, 0xfe])]);
    mkdirSync(Buffer.concat([name, Buffer.from('/deep')]), { recursive: true });
    await until('quiet', () => performance.now() - latest() > QUIET_MS);
    heard.clear();
    writeFileSync(Buffer.concat([name, Buffer.from('/deep/file')]), '');
    await until('the file', () => [...heard].some((path) => path.endsWith('deep/file')));
  });

  it('tells when the folder goes', async () => {
    mkdirSync(sandbox.path('top/a'), { recursive: true });
    const { lost } = await listen('top');
    rmSync(sandbox.path('top'), { recursive: true });
    await until('lost', () => lost.length > 0);
    assert.deepEqual(lost, ['the folder has gone']);
  });
});
