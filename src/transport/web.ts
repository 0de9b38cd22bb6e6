import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Environment } from '../git/environment.ts';
import type { WebUrl } from '../protocol/git-url.ts';

/**
 * The words that start git's own helper for a web URL. git puts the folder of its helpers first on the PATH
 * of every helper, so that the program is found there and need not be asked of `git remote-<scheme>`, which
 * costs one process more on every fetch.
 */
export function webHelper(remote: string, url: WebUrl, env: Environment): [string, ...string[]] {
  const [first = ''] = (env['PATH'] ?? '').split(delimiter);
  const program = join(first, `git-remote-${url.scheme}`);
  return first !== '' && existsSync(program)
    ? [program, remote, url.url]
    : ['git', `remote-${url.scheme}`, remote, url.url];
}
