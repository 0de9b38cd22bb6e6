import { readdir } from 'node:fs/promises';

/**
 * The folders below another one, other than those named .git and what is in them; one that goes meanwhile is passed over.
 * @returns paths from the top, latin1
 */
export async function foldersBelow(top: string): Promise<Set<string>> {
  const found = new Set<string>();
  const left = [''];
  for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
    const path = Buffer.concat([Buffer.from(`${top}/`), Buffer.from(folder, 'latin1')]);
    const entries = await readdir(path, { withFileTypes: true, encoding: 'latin1' }).catch(() => []);
    for (const entry of entries) {
      if (!entry.isDirectory() || entry.name === '.git') continue;
      const below = folder === '' ? entry.name : `${folder}/${entry.name}`;
      found.add(below);
      left.push(below);
    }
  }
  return found;
}
