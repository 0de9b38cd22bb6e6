import { realpathSync } from 'node:fs';
import { delimiter, dirname } from 'node:path';
import type { Environment } from '../git/environment.ts';

/**
 * An environment in which git finds `git-remote-mirror`, and that finds node: cron's PATH has neither where they lie in a home, and gam was started by
 * its full name. What PATH has otherwise comes first.
 *
 * @param program the file of `gam` as it was started, which lies beside the helper
 * @param node the node that runs it
 */
export function withOwnPrograms(env: Environment, program: string, node: string): Environment {
  const path = [env['PATH'], dirname(realpathSync(program)), dirname(node)];
  return { ...env, PATH: path.filter(Boolean).join(delimiter) };
}
