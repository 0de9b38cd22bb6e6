import { gitOutput, type RunOptions } from './run.ts';

/** What the commits are that git names as its own in a fetch (gitprotocol-v2(5), "have"): those that refs here lead to. */
export interface Haves {
  /** How many refs there are under each folder: `refs/heads`, `refs/remotes`, `refs/stash`. */
  refs: Record<string, number>;
  /** How many different objects these refs stand at; from there it goes down the history. */
  tips: number;
}

/** What git would name in this repository; null where it has nothing to name. */
export async function findHaves(options: RunOptions): Promise<Haves | null> {
  const text = await gitOutput(['for-each-ref', '--format=%(objectname) %(refname)'], options);
  const refs: Record<string, number> = {};
  const tips = new Set<string>();
  for (const line of text.split('\n').filter(Boolean)) {
    const [oid = '', name = ''] = line.split(' ');
    const folder = name.split('/', 2).join('/');
    refs[folder] = (refs[folder] ?? 0) + 1;
    tips.add(oid);
  }
  return tips.size === 0 ? null : { refs, tips: tips.size };
}
