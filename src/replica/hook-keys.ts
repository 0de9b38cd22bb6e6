import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { lastValue } from '../config/entries.ts';
import type { Replica } from './replica.ts';

function readSecret(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * The secrets that forges were given to call with: `replica.<id>.hookSecretFile` names a file, from the git directory on. One that is empty
 * or cannot be read opens nothing.
 */
export function hookKeys({
  group,
  config,
  gitDir,
}: Pick<Replica, 'group' | 'config' | 'gitDir'>): { id: string; secret: string }[] {
  return group.members.flatMap(({ id, role }) => {
    const file = lastValue(config, 'replica', id, 'hooksecretfile');
    if (role !== 'hosted' || file === undefined) return [];
    const secret = readSecret(resolve(gitDir, file));
    return secret === '' ? [] : [{ id, secret }];
  });
}
