import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearRemovedClone } from '../../../src/git/removed-clone.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// What broke: `git clone -b <no such branch>` removes its folder while the helper still writes there, stops at what
// came in meanwhile, and the next clone into the folder fails since it is not empty.

const PACK = 'pack-0123456789012345678901234567890123456789';

let sandbox: Sandbox;
let gitDir: string;

beforeEach(async () => {
  sandbox = makeSandbox();
  await sandbox.git(['init', '-q', 'clone']);
  gitDir = sandbox.path('clone/.git');
  for (const path of [
    `objects/pack/${PACK}.pack`,
    `objects/pack/${PACK}.keep`,
    'refs/mirror/host/heads/main',
  ])
    put(path);
});

afterEach(() => sandbox.close());

function put(path: string): void {
  mkdirSync(dirname(`${gitDir}/${path}`), { recursive: true });
  writeFileSync(`${gitDir}/${path}`, '');
}

/** As far as git got: every file that was there when it looked. */
function removeByGit(): void {
  for (const name of ['HEAD', 'config', 'description', 'hooks', 'info', 'branches'])
    rmSync(`${gitDir}/${name}`, { recursive: true, force: true });
}

/** File systems tell when a folder was made, and let nobody set it. */
async function olderThan(path: string, milliseconds: number): Promise<void> {
  const made = statSync(path).birthtimeMs;
  while (Date.now() - made <= milliseconds) await turn();
}

const clear = () => clearRemovedClone({ gitDir, objects: `${gitDir}/objects` }, [PACK]);

test('what gam left in a clone that git has removed goes, and the folder with it', async () => {
  removeByGit();
  await clear();
  expect(existsSync(sandbox.path('clone'))).toBe(false);
});

test('as long as there is a HEAD nothing is touched', async () => {
  await clear();
  expect(existsSync(`${gitDir}/objects/pack/${PACK}.pack`)).toBe(true);
  expect(existsSync(`${gitDir}/refs/mirror/host/heads/main`)).toBe(true);
});

test('a file of somebody else stays, with the folders around it', async () => {
  removeByGit();
  put('objects/pack/precious');
  await clear();
  expect(existsSync(`${gitDir}/objects/pack/precious`)).toBe(true);
  expect(existsSync(`${gitDir}/objects/pack/${PACK}.pack`)).toBe(false);
  expect(existsSync(`${gitDir}/refs`)).toBe(false);
});

test('a folder that was there before stays, empty, as git leaves it', async () => {
  mkdirSync(sandbox.path('there'));
  await olderThan(sandbox.path('there'), 1100);
  gitDir = sandbox.path('there/.git');
  put('objects/x/y');
  rmSync(`${gitDir}/objects/x/y`);
  await clear();
  expect(existsSync(sandbox.path('there/.git'))).toBe(false);
  expect(existsSync(sandbox.path('there'))).toBe(true);
});
