import { gitOutput, type RunOptions, runGit } from './run.ts';

/** Which of some object ids are not here. */
export async function missingObjects(oids: readonly string[], options: RunOptions): Promise<string[]> {
  if (oids.length === 0) return [];
  const input = `${oids.join('\n')}\n`;
  const out = await gitOutput(['cat-file', '--batch-check', '--buffer'], { ...options, input });
  return out.split('\n').flatMap((line) => (line.endsWith(' missing') ? [line.split(' ')[0] ?? ''] : []));
}

/**
 * Which of some ids lead to something that the tips do not lead to, as far as can be told here: an id that is not
 * here does. Of two that lead to the same, both are told.
 */
export async function unreached(
  oids: readonly string[],
  tips: readonly string[],
  options: RunOptions,
): Promise<Set<string>> {
  const among = new Set(tips);
  const lost = new Set<string>();
  for (const oid of new Set(oids)) {
    if (among.has(oid)) continue;
    const input = `${oid}\n${tips.map((tip) => `^${tip}\n`).join('')}`;
    const args = ['rev-list', '--objects', '--max-count=1', '--ignore-missing', '--stdin'];
    const { status, stdout } = await runGit(args, { ...options, input });
    const isHere = (await missingObjects([oid], options)).length === 0;
    if (status !== 0 || stdout !== '' || !isHere) lost.add(oid);
  }
  return lost;
}

/**
 * Fetches objects by their ids, with all that they lead to, and writes no ref.
 * @returns whether they are all here now
 */
export async function fetchObjects(
  url: string,
  oids: readonly string[],
  options: RunOptions,
): Promise<boolean> {
  const plainly = ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false', '-c', 'fetch.unpackLimit=1'];
  const only = [
    '--quiet',
    '--no-tags',
    '--no-write-fetch-head',
    '--no-recurse-submodules',
    '--refmap=',
    '--stdin',
  ];
  await runGit([...plainly, 'fetch', ...only, '--', url], {
    ...options,
    input: `${oids.join('\n')}\n`,
    talks: true,
  });
  return (await missingObjects(oids, options)).length === 0;
}
