import { isAbsolute, join } from 'node:path';
import type { Environment } from '../git/environment.ts';

/**
 * The file that measures are kept in: `$XDG_STATE_HOME/gam/measures.json`, or under `~/.local/state` (XDG Base
 * Directory Specification, which has relative paths ignored). Null without a home: then nothing is kept.
 */
export function measuresFile(env: Environment): string | null {
  const absolute = (path: string | undefined) => (path !== undefined && isAbsolute(path) ? path : null);
  const home = absolute(env['HOME']);
  const state = absolute(env['XDG_STATE_HOME']) ?? (home && join(home, '.local/state'));
  return state === null ? null : join(state, 'gam', 'measures.json');
}
