import { setTimeout as pause } from 'node:timers/promises';
import { isConnected } from '../git/objects.ts';
import type { Repository } from '../git/repository.ts';
import { isWithin, type Surplus, trimSurplus } from '../git/trim.ts';
import type { Trace } from '../trace/trace.ts';

/** The longest that git's index-pack may take for what canonical sent. */
const PATIENCE_MS = 10 * 60_000;

const PAUSE_MS = { first: 5, longest: 200 };

/**
 * Sees to it that nothing of a mirror is left in the repository that plain git would not have fetched. Called
 * when git has all of canonical's answer but its end: git waits for that, and looks at the repository anew only
 * then. Its index-pack is still at work, so this waits until all that git wants is here.
 *
 * @param isWaiting whether git is still there; it is not when its index-pack refused what came
 */
export async function settleSurplus(
  surplus: Surplus,
  repository: Repository,
  trace: Trace,
  isWaiting: () => boolean,
): Promise<void> {
  if (surplus.tips.length === 0) return;
  try {
    const within = await judge(surplus, repository, isWaiting);
    trace('surplus-judged', { within });
    if (within) return;
    await trimSurplus(surplus, repository);
    trace('surplus-trimmed');
  } catch (error) {
    // It stays then, as a branch that was rewritten stays: unreachable, until git's own garbage collection.
    trace('surplus-kept', { reason: error instanceof Error ? error.message : String(error) });
  }
}

// What lies within the part that is here lies within the whole. The reverse takes the whole: a walk does not mind
// what is missing behind a commit that it is to leave out, and would call all of it surplus while git still unpacks.
async function judge(surplus: Surplus, repository: Repository, isWaiting: () => boolean): Promise<boolean> {
  const end = Date.now() + PATIENCE_MS;
  for (let wait = PAUSE_MS.first; ; wait *= 2) {
    const within = await isWithin(surplus, repository);
    if (within) return true;
    if (within === false && (await isConnected(surplus.wanted, repository))) {
      const sure = await isWithin(surplus, repository);
      if (sure === null) throw new Error('git could not tell');
      return sure;
    }
    if (!isWaiting() || Date.now() > end) throw new Error('git has gone');
    await pause(Math.min(wait, PAUSE_MS.longest));
  }
}
