import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gitDirsBelow, pathOf } from '../../../src/server/walk.ts';

let root: string;

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'gam-walk-')));
});

afterAll(() => rmSync(root, { recursive: true }));

/** As much of a repository as a walk looks at. */
function repository(...parts: string[]): void {
  const folder = join(root, ...parts);
  mkdirSync(join(folder, 'objects'), { recursive: true });
  writeFileSync(join(folder, 'HEAD'), 'ref: refs/heads/main\n');
}

test.each([
  ['/srv/git/x.git', '/x.git'],
  ['/srv/git/a/b/.git', '/a/b'],
  ['/srv/git/.git', '/'],
  ['/srv/git', '/'],
  ['/srv/git/odd.git/.git', '/odd.git'],
])('%s is at %s', (gitDir, path) => expect(pathOf('/srv/git', gitDir)).toBe(path));

test('a walk finds bare repositories and work trees, none within another, and follows no link', async () => {
  repository('all', 'b.git');
  repository('all', 'b.git', 'modules', 'inner.git');
  repository('all', 'deep', 'er', '.git');
  repository('elsewhere.git');
  symlinkSync(join(root, 'elsewhere.git'), join(root, 'all', 'a.git'));
  const { gitDirs, truncated } = await gitDirsBelow(join(root, 'all'));
  expect(gitDirs).toEqual(['b.git', 'deep/er/.git'].map((path) => join(root, 'all', path)));
  expect(truncated).toBe(false);
});

test('a walk ends eight folders deep, and says that there is more', async () => {
  const seven = ['1', '2', '3', '4', '5', '6', '7'];
  repository('deep', ...seven, 'x.git');
  expect(await gitDirsBelow(join(root, 'deep'))).toMatchObject({
    gitDirs: [expect.any(String)],
    truncated: false,
  });
  repository('deep', ...seven, '8', 'x.git');
  expect(await gitDirsBelow(join(root, 'deep'))).toMatchObject({
    gitDirs: [expect.any(String)],
    truncated: true,
  });
});
