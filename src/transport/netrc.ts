import { existsSync, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../git/environment.ts';

/**
 * Which entry of a .netrc libcurl would take a host's login from: the host's own, or `default`, which is for every host that
 * has none of its own before it. Without HOME it looks where the user database says. No login is read.
 *
 * @param host in lower case
 * @returns null where there is none, and no such file
 */
export function netrcEntry(env: Environment, host: string): 'machine' | 'default' | null {
  const path = join(env['HOME'] || userInfo().homedir, '.netrc');
  if (!existsSync(path)) return null;
  const words = readFileSync(path, 'utf8')
    .replace(/^\s*macdef[^\n]*\n(?:[^\n]+\n)*/gm, '')
    .split(/\s+/);
  const own = words.findIndex(
    (word, index) => word === 'machine' && words[index + 1]?.toLowerCase() === host,
  );
  const anybody = words.indexOf('default');
  if (anybody >= 0 && (own < 0 || anybody < own)) return 'default';
  return own < 0 ? null : 'machine';
}
