import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Refs, refsOf } from './refs.ts';
import { plainGitDir } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

/** Everything about a repository that a user or a tool can see, but for where it came from. */
export interface RepositoryState {
  refs: Refs;
  /** `git status`, with what is ahead or behind. */
  status: string;
  shallow: string;
  fetchHead: string;
  /** The lines of its own file. */
  config: string[];
  /** How many objects real refs lead to, and which of them are promised only. */
  objects: number;
  promised: string[];
}

async function read(sandbox: Sandbox, repository: string, ...args: string[]): Promise<string> {
  return (await sandbox.git(args, { cwd: repository, expectStatus: null })).stdout;
}

/** Reads a repository's state; a URL that differs between two repositories is for the caller to replace. */
export async function stateOf(sandbox: Sandbox, repository: string): Promise<RepositoryState> {
  const plain = plainGitDir(sandbox, repository);
  const folder = async (which: string) =>
    plain ?? resolve(sandbox.path(repository), (await read(sandbox, repository, 'rev-parse', which)).trim());
  const isBare = plain === sandbox.path(repository);
  const gitDir = await folder('--absolute-git-dir');
  const commonDir = await folder('--git-common-dir');
  const file = (name: string, where = gitDir) =>
    existsSync(join(where, name)) ? readFileSync(join(where, name), 'utf8') : '';
  const real = ['--exclude=refs/mirror/*', '--all'];
  const listed = await read(sandbox, repository, 'rev-list', '--objects', '--missing=print', ...real);
  const objects = listed.split('\n').filter(Boolean);
  return {
    refs: await refsOf(sandbox, repository),
    status: isBare ? '' : await read(sandbox, repository, 'status', '--branch', '--porcelain'),
    shallow: file('shallow'),
    fetchHead: file('FETCH_HEAD'),
    config: file('config', commonDir).split('\n').filter(Boolean),
    objects: objects.length,
    promised: objects.filter((line) => line.startsWith('?')).sort(),
  };
}
