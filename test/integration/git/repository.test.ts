import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findRepository } from '../../../src/git/repository.ts';
import { commit, type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

let desk: Desk;
let top: string;
beforeEach(async () => {
  desk = makeDesk();
  top = await makeRepository(desk, 'main');
  await desk.git(['update-ref', 'HEAD', await commit(desk, top, 'one')], top);
});
afterEach(() => desk.remove());

/** What git itself answers, and what gam finds, for the same GIT_DIR; both relative to `cwd`. */
async function expectAsGit(cwd: string, variables: Record<string, string>): Promise<void> {
  const env = { ...desk.env, ...variables };
  const names = ['objects', 'refs/mirror/'];
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  const question = ['git', 'rev-parse', ...names.flatMap((name) => ['--git-path', name])];
  const { stdout } = await desk.run('env', [...words, ...question], cwd);
  const [objects = '', mirrors = ''] = stdout.split('\n').map((path) => resolve(cwd, path));
  const found = findRepository(env, cwd);
  expect(found).toMatchObject({ objects, gitDir: resolve(cwd, variables['GIT_DIR'] ?? '') });
  expect(join(found?.commonDir ?? '', 'refs/mirror')).toBe(mirrors);
}

test('of no repository there is none', () => {
  expect(findRepository(desk.env, top)).toBe(null);
});

test('a repository is where git finds it, by whatever path', async () => {
  mkdirSync(join(top, 'below'));
  await expectAsGit(top, { GIT_DIR: '.git' });
  await expectAsGit(join(top, 'below'), { GIT_DIR: '../.git' });
  await expectAsGit(join(top, '.git'), { GIT_DIR: '.' });
  await expectAsGit(desk.top, { GIT_DIR: join(top, '.git') });
});

test('a linked worktree has its objects and staged refs in the main one', async () => {
  await desk.git(['worktree', 'add', '--quiet', '--detach', join(desk.top, 'linked')], top);
  await expectAsGit(join(desk.top, 'linked'), { GIT_DIR: join(top, '.git/worktrees/linked') });
  await expectAsGit(join(top, '.git/worktrees'), { GIT_DIR: 'linked' });
});

test('variables that move objects, or all that worktrees share, are obeyed', async () => {
  await makeRepository(desk, 'other');
  const objects = join(desk.top, 'elsewhere');
  mkdirSync(objects);
  await expectAsGit(top, { GIT_DIR: '.git', GIT_OBJECT_DIRECTORY: '../elsewhere' });
  await expectAsGit(top, { GIT_DIR: '.git', GIT_COMMON_DIR: '../other/.git' });
  const both = { GIT_COMMON_DIR: '../other/.git', GIT_OBJECT_DIRECTORY: objects };
  await expectAsGit(top, { GIT_DIR: '.git', ...both });
});
