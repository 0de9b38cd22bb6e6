import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfigFile } from '../git/config-file.ts';
import type { RunOptions } from '../git/run.ts';
import { type Group, readGroup } from './group.ts';

/**
 * Reads a group's document, as git reads configuration.
 * @returns null where it is none
 */
export async function parseDocument(text: string, { env = {} }: RunOptions): Promise<Group | null> {
  const folder = await mkdtemp(join(env['TMPDIR'] ?? tmpdir(), 'gam-group-'));
  try {
    const file = join(folder, 'group');
    await writeFile(file, text);
    return readGroup(await readConfigFile(file, { env }));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
