import { gitOutput, type RunOptions } from './run.ts';

/**
 * More tips than these are gathered. Each is a ref of a push, and over http git holds each of them against all refs of either side:
 * ten thousand take a minute, in which it says nothing (remote.c, match_explicit).
 */
const MOST_TIPS = 50;

const NOBODY = 'gam <> 0 +0000';

/**
 * Fewer objects that lead to all that these lead to: commits become the parents of one that no ref will ever name, and `git gc` takes away.
 *
 * @param emptyTree its id in this repository
 * @returns the tips themselves where they are few; what is no commit stands by itself
 */
export async function gathered(
  tips: readonly string[],
  emptyTree: string,
  options: RunOptions,
): Promise<readonly string[]> {
  if (tips.length <= MOST_TIPS) return tips;
  const asked = ['cat-file', '--buffer', '--batch-check=%(objecttype) %(objectname)'];
  const told = await gitOutput(asked, { ...options, input: `${tips.join('\n')}\n` });
  const commits = new Set(told.split('\n').flatMap((line) => /^commit (.*)$/.exec(line)?.[1] ?? []));
  if (commits.size < 2) return tips;
  const parents = [...commits].map((oid) => `parent ${oid}\n`).join('');
  const text = `tree ${emptyTree}\n${parents}author ${NOBODY}\ncommitter ${NOBODY}\n\ngathered\n`;
  const one = (
    await gitOutput(['hash-object', '-t', 'commit', '-w', '--stdin'], { ...options, input: text })
  ).trim();
  return [one, ...tips.filter((oid) => !commits.has(oid))];
}
