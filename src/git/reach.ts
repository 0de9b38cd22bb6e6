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
 *
 * One walk for all of them: ten thousand branches may have moved at once. Of trees and blobs only those that were asked for are
 * looked at (git-rev-list(1), --filter), and these count as lost though a tip's tree may hold them.
 */
export async function unreached(
  oids: readonly string[],
  tips: readonly string[],
  options: RunOptions,
): Promise<Set<string>> {
  const among = new Set(tips);
  const asked = [...new Set(oids)].filter((oid) => !among.has(oid));
  const lost = new Set(await missingObjects(asked, options));
  const here = asked.filter((oid) => !lost.has(oid));
  if (here.length === 0) return lost;
  const input = [...here, ...tips.map((tip) => `^${tip}`)].map((line) => `${line}\n`).join('');
  const args = [
    'rev-list',
    '--objects',
    '--no-object-names',
    '--filter=tree:0',
    '--ignore-missing',
    '--stdin',
  ];
  const { status, stdout } = await runGit(args, { ...options, input });
  const walked = new Set(stdout.split('\n'));
  for (const oid of here) if (status !== 0 || walked.has(oid)) lost.add(oid);
  return lost;
}

/**
 * Whether a commit is here with all that it leads to. What a fetch that broke off has left, or `git gc` is removing, is here without it; and
 * nothing else would notice before a ref leads to it. Refs are taken to be whole, as git does (connected.c).
 */
export async function isWhole(oid: string, options: RunOptions): Promise<boolean> {
  const args = ['rev-list', '--objects', '--quiet', '--exclude-promisor-objects', oid, '--not', '--all'];
  // A partial clone is not to fetch them one by one (git(1), GIT_NO_LAZY_FETCH).
  const env = { ...options.env, GIT_NO_LAZY_FETCH: '1' };
  return (await runGit(args, { ...options, env })).status === 0;
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
    talks: 'alone',
  });
  return (await missingObjects(oids, options)).length === 0;
}
