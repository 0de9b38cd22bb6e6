import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installHooks } from '../../src/git/hooks.ts';
import { hookScripts } from '../../src/replica/hook-scripts.ts';
import { initBare } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

/** Hooks whose proc-receive moves the refs as it is told. */
export const MEMBER_HOOKS = hookScripts({
  node: process.execPath,
  program: fileURLToPath(new URL('proc-receive.cjs', import.meta.url)),
  version: '0.0.0',
});

/** A bare repository that belongs to group `team`, without gam's hooks as yet. */
export async function makeMember(sandbox: Sandbox, path: string, format?: 'sha256'): Promise<string> {
  const gitDir = await initBare(sandbox, path, format);
  mkdirSync(join(gitDir, 'gam/replica'), { recursive: true });
  const settings = [
    ['replica.self', 'eu'],
    ['replica.group', 'team'],
    ['receive.procReceiveRefs', 'refs/heads'],
    ['receive.procReceiveRefs', 'refs/gam/request'],
  ] as const;
  for (const [name, value] of settings) await sandbox.git(['config', '--add', name, value], { cwd: path });
  return gitDir;
}

/** Gives a repository gam's hooks. */
export async function installMemberHooks(sandbox: Sandbox, gitDir: string): Promise<void> {
  await installHooks(gitDir, MEMBER_HOOKS, { env: sandbox.env });
}

/** Writes an executable file, such as a hook. */
export function writeScript(path: string, lines: readonly string[]): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
  chmodSync(path, 0o755);
}

/** Makes commits, each on the one before, and returns their ids. */
export async function makeCommits(sandbox: Sandbox, gitDir: string, count: number): Promise<string[]> {
  const output = async (...args: string[]) => (await sandbox.git(args, { cwd: gitDir })).stdout.trim();
  const tree = (await sandbox.git(['mktree'], { cwd: gitDir, input: '' })).stdout.trim();
  const ids: string[] = [];
  while (ids.length < count) {
    const parent = ids.slice(-1).flatMap((id) => ['-p', id]);
    ids.push(await output('commit-tree', '-m', `commit ${ids.length}`, ...parent, tree));
  }
  return ids;
}

/** Where a hook of a repository stands. */
export function hookPath(gitDir: string, name: string): string {
  return join(gitDir, 'hooks', name);
}
