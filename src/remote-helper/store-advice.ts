import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { lastValue } from '../config/entries.ts';
import { setConfigValue } from '../git/config-file.ts';
import { findRepository } from '../git/repository.ts';
import type { KeptList } from '../mirror/kept-list.ts';
import type { HelperContext } from './context.ts';

/**
 * Writes what canonical advises for good into the configuration of the repository: `remote.<name>.mirrorsFirst`, unless it
 * says something already, since the user may have said it; and `remote.<name>.moreMirrors`, how many more mirrors there are.
 *
 * Only while git waits for an answer: `git clone` writes the same file now and then, and dies where it finds it locked.
 * Where it cannot be written, it is not: the list is remembered anyway.
 */
export async function storeAdvice(
  { process: own, remote, entries, trace }: HelperContext,
  { prefer, more }: KeptList,
): Promise<void> {
  if (remote === null) return;
  const first = lastValue(entries, 'remote', remote, 'mirrorsfirst');
  const known = lastValue(entries, 'remote', remote, 'moremirrors') ?? '0';
  const wanted = [
    ...(prefer === 'permanent' && first === undefined ? [['mirrorsFirst', 'true'] as const] : []),
    ...(known === String(more) ? [] : [['moreMirrors', String(more)] as const]),
  ];
  const repository = wanted.length === 0 ? null : findRepository(own.env, own.cwd);
  if (repository === null) return;
  const file = join(repository.commonDir, 'config');
  try {
    await access(file, constants.W_OK);
    for (const [name, value] of wanted)
      await setConfigValue(file, { section: 'remote', subsection: remote, name }, value, { env: own.env });
  } catch (error) {
    trace('advice-not-stored', { why: error instanceof Error ? error.message : String(error) });
  }
}
