import { mkdirSync, writeFileSync } from 'node:fs';
import type { Ended } from './child.ts';
import { initBare } from './repository.ts';
import { makeSandbox, type RunInSandbox, type Sandbox } from './sandbox.ts';
import { copyRepository } from './scene.ts';

/** A remote, and two clones of it beside each other, in which somebody works; names are of folders in the sandbox. */
export interface SyncScene {
  readonly remote: string;
  readonly here: string;
  readonly there: string;
}

/** Where scenes are made: the first is made by git, and all others are copies of it. */
export interface SyncScenes {
  readonly sandbox: Sandbox;
  /** A fresh one. The remote's URL is `../remote.git`, a path. */
  readonly scene: (name: string) => Promise<SyncScene>;
  /** Writes a file, and commits it; returns the commit. */
  readonly commit: (clone: string, file: string, content: string) => Promise<string>;
  /** Where a branch stands (main); empty where there is none. */
  readonly tip: (repository: string, branch?: string) => Promise<string>;
  readonly git: (repository: string, ...args: string[]) => Promise<string>;
  /** Runs `gam sync` in a folder, whatever it ends with. */
  readonly sync: (folder: string, args?: readonly string[], options?: RunInSandbox) => Promise<Ended>;
  /** Puts a hook's shell script into a clone, or a bare repository. */
  readonly hook: (repository: string, name: string, lines: readonly string[]) => void;
}

/** Opens a sandbox for scenes; whoever opens it closes it. */
export async function openSyncScenes(): Promise<SyncScenes> {
  const sandbox = makeSandbox();
  const git: SyncScenes['git'] = async (repository, ...args) =>
    (await sandbox.git(args, { cwd: repository })).stdout.trimEnd();
  const commit: SyncScenes['commit'] = async (clone, file, content) => {
    writeFileSync(sandbox.path(clone, file), content);
    await git(clone, 'add', '--force', '--', file);
    await git(clone, 'commit', '-q', '-m', file);
    return git(clone, 'rev-parse', 'HEAD');
  };
  mkdirSync(sandbox.path('first'));
  await initBare(sandbox, 'first/remote.git');
  await git('first', 'clone', '-q', 'remote.git', 'here');
  await git('first/here', 'remote', 'set-url', 'origin', '../remote.git');
  await commit('first/here', 'shared', '1\n2\n3\n');
  await git('first/here', 'push', '-q', '-u', 'origin', 'main');
  await copyRepository(sandbox, 'first/here', 'first/there');
  return {
    sandbox,
    git,
    commit,
    scene: async (name) => {
      await copyRepository(sandbox, 'first', name);
      return { remote: `${name}/remote.git`, here: `${name}/here`, there: `${name}/there` };
    },
    tip: async (repository, branch = 'main') => {
      const args = ['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`];
      return git(repository, ...args);
    },
    sync: (folder, args = [], options = {}) =>
      sandbox.run('gam', ['sync', ...args], { cwd: folder, expectStatus: null, ...options }),
    hook: (repository, name, lines) => {
      const folder = repository.endsWith('.git') ? 'hooks' : '.git/hooks';
      mkdirSync(sandbox.path(repository, folder), { recursive: true });
      const file = sandbox.path(repository, folder, name);
      writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`, { mode: 0o755 });
    },
  };
}
