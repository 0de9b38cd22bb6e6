import { isAbsolute, join } from 'node:path';
import type { Environment } from '../git/environment.ts';

/**
 * The folder for what is remembered: `$XDG_STATE_HOME/gam`, or under `~/.local/state` (XDG Base Directory Specification,
 * which has relative paths ignored). Null without a home: then nothing is kept.
 */
export function stateFolder(env: Environment): string | null {
  const absolute = (path: string | undefined) => (path !== undefined && isAbsolute(path) ? path : null);
  const home = absolute(env['HOME']);
  const state = absolute(env['XDG_STATE_HOME']) ?? (home && join(home, '.local/state'));
  return state === null ? null : join(state, 'gam');
}

/** The file that measures are kept in; null where nothing is kept. */
export function measuresFile(env: Environment): string | null {
  const folder = stateFolder(env);
  return folder && join(folder, 'measures.json');
}

/** The folder for greetings of canonical servers, a file each; null where nothing is kept. */
export function greetingsFolder(env: Environment): string | null {
  const folder = stateFolder(env);
  return folder && join(folder, 'greetings');
}

/**
 * The folder for lists of mirrors, a file for each canonical URL: those that servers have sent, or those that were published
 * there; null where nothing is kept.
 */
export function listsFolder(env: Environment, source: 'server' | 'published'): string | null {
  const folder = stateFolder(env);
  return folder && join(folder, source === 'server' ? 'lists' : 'published');
}

/** The folder for where mirrors named by their host have a repository, a file each; null where nothing is kept. */
export function addressesFolder(env: Environment): string | null {
  const folder = stateFolder(env);
  return folder && join(folder, 'addresses');
}

/** The folder for the marks of canonical servers that have no list, a file each; null where nothing is kept. */
export function unlistedFolder(env: Environment): string | null {
  const folder = stateFolder(env);
  return folder && join(folder, 'unlisted');
}
