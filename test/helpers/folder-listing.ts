import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** All that is in a folder, by path: modes, bytes and what links name; null where there is no folder. */
export function folderListing(folder: string): Record<string, string> | null {
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return null;
  const listing: Record<string, string> = {};
  // By hand: readdir's own recursion follows links.
  const list = (within: string) => {
    for (const entry of readdirSync(join(folder, within), { withFileTypes: true })) {
      const path = join(within, entry.name);
      const mode = (lstatSync(join(folder, path)).mode & 0o7777).toString(8);
      if (entry.isSymbolicLink()) listing[path] = `link to ${readlinkSync(join(folder, path))}`;
      else if (entry.isDirectory()) listing[path] = `folder ${mode}`;
      else listing[path] = `file ${mode} ${readFileSync(join(folder, path)).toString('base64')}`;
      if (entry.isDirectory()) list(path);
    }
  };
  list('');
  return listing;
}
