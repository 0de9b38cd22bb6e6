import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { GamError } from '../errors.ts';
import type { Environment } from './environment.ts';
import type { RunOptions } from './run.ts';
import { CONFIG_GLOBAL_GIT, gitVersion, isAtLeast } from './version.ts';

function home(env: Environment): string {
  return env['HOME'] || homedir();
}

/** `$XDG_CONFIG_HOME`, or `~/.config`. */
export function configFolder(env: Environment): string {
  return env['XDG_CONFIG_HOME'] || join(home(env), '.config');
}

/** The folder that holds gam's own user settings. */
export function gamFolder(env: Environment): string {
  return join(configFolder(env), 'gam');
}

/**
 * The file that `git config --global` writes (git-config(1), FILES): GIT_CONFIG_GLOBAL, `~/.gitconfig`, or
 * `$XDG_CONFIG_HOME/git/config` when only that exists.
 * @throws GamError `bad-config` when it is something else than a file: git would replace `/dev/null` by one
 */
export async function userConfigFile(env: Environment, options: RunOptions): Promise<string> {
  const named = env['GIT_CONFIG_GLOBAL'];
  const plain = join(home(env), '.gitconfig');
  const other = join(configFolder(env), 'git', 'config');
  const obeyed = named !== undefined && isAtLeast(await gitVersion(options), CONFIG_GLOBAL_GIT);
  const file = obeyed
    ? named && resolve(options.cwd ?? '.', named)
    : !existsSync(plain) && existsSync(other)
      ? other
      : plain;
  if (file === '' || (existsSync(file) && !statSync(file).isFile())) {
    throw new GamError('bad-config', `the user's git configuration '${file}' is not a file`, {
      suggestion: 'unset GIT_CONFIG_GLOBAL, or let it name a file',
    });
  }
  return file;
}
