import { existsSync, readFileSync } from 'node:fs';

/** The folder of gam's package.json: the first above this file that holds one, built or not. */
export function packageFolder(): URL {
  let folder = new URL('..', import.meta.url);
  while (!existsSync(new URL('package.json', folder)) && folder.pathname !== '/')
    folder = new URL('..', folder);
  return folder;
}

/** gam's version, from its package.json. */
export function readVersion(): string {
  const text = readFileSync(new URL('package.json', packageFolder()), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
