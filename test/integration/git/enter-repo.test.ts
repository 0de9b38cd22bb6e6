import { mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { enterRepo } from '../../../src/git/enter-repo.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = makeSandbox();
  const make = async (path: string, ...options: string[]) => {
    await sandbox.git(['init', '-q', ...options, path]);
    // So that what git serves tells which one it is.
    const commit = ['-c', 'user.name=x', 'commit-tree', '-m', path];
    const tree = (await sandbox.git(['mktree'], { cwd: path, input: '' })).stdout.trim();
    const id = (await sandbox.git([...commit, tree], { cwd: path })).stdout.trim();
    await sandbox.git(['update-ref', 'refs/heads/main', id], { cwd: path });
  };
  await make('bare', '--bare');
  await make('suffixed.git', '--bare');
  await make('work');
  await make('worked.git');
  await make('both', '--bare');
  await make('both/.git', '--bare');
  await make('home/mine.git', '--bare');
  await make('apart', '--separate-git-dir', sandbox.path('elsewhere.git'));
  await sandbox.git(['worktree', 'add', '-q', sandbox.path('linked'), 'main'], { cwd: 'bare' });
  mkdirSync(sandbox.path('empty'));
  mkdirSync(sandbox.path('odd/.git'), { recursive: true });
  writeFileSync(sandbox.path('file'), 'no gitfile');
  writeFileSync(sandbox.path('lost.git'), 'gitdir: /nowhere\n');
  writeFileSync(sandbox.path('relative'), 'gitdir: elsewhere.git\n');
});
afterAll(() => sandbox.close());

const NAMES = [
  'bare',
  'bare/',
  'bare///',
  'suffixed',
  'suffixed.git',
  'work',
  'work/.git',
  'worked',
  'both',
  'both/.git',
  '~/mine',
  '~/mine.git',
  '~nobody-by-this-name/x',
  'apart',
  'linked',
  'empty',
  'odd',
  'file',
  'lost',
  'relative',
  'nowhere',
  '.',
  '/',
];

test.each(NAMES.flatMap((name) => [[name, false] as const, [name, true] as const]))(
  'git serves what is found for %s (strict: %s)',
  async (name, strict) => {
    const { root: cwd, env } = sandbox;
    const found = await enterRepo(name, strict, { cwd, env });
    const words = ['upload-pack', ...(strict ? ['--strict'] : []), '--advertise-refs', name];
    const served = await sandbox.git(words, { expectStatus: null });
    if (served.status !== 0) return;
    expect(found).not.toBeNull();
    const plain = await sandbox.git(['upload-pack', '--strict', '--advertise-refs', found ?? '']);
    expect(served.stdout).toBe(plain.stdout);
    const config = await sandbox.git(['config', '--list'], { env: { GIT_DIR: found ?? '' } });
    expect(config.stdout).toContain('core.repositoryformatversion');
  },
);

test('git serves most of these, so that the comparison says something', async () => {
  const served = await Promise.all(
    NAMES.map((name) => sandbox.git(['upload-pack', '--advertise-refs', name], { expectStatus: null })),
  );
  expect(served.filter(({ status }) => status === 0).length).toBeGreaterThan(14);
});

test('nothing is found where git serves nothing', async () => {
  const { root: cwd, env } = sandbox;
  for (const name of ['empty', 'odd', 'file', 'lost', 'nowhere', '', '~nobody-by-this-name/x'])
    expect(await enterRepo(name, false, { cwd, env })).toBeNull();
});
