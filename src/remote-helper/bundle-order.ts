import { GamError } from '../errors.ts';
import type { BundleHeader } from '../protocol/bundle-header.ts';
import type { BundleList, ListedBundle } from '../protocol/bundle-list.ts';
import { PREPARATION } from './fetch-from-mirror.ts';
import { elsewhere } from './stage-order.ts';

/** A list of which so many bundles fail is not worth more. */
const MOST_FAILURES = 3;

/** A bundle of a list, and what came of the last try to take it. */
export interface Candidate {
  bundle: ListedBundle;
  /** Known from the first try on. */
  header: BundleHeader | null;
  /** True when it builds on what is not here. */
  waits: boolean;
  /** True when all of its refs were here already. */
  known: boolean;
}

/** How bundles of a list are taken. */
export interface Taking {
  /** True when there is nothing here yet. */
  clone: boolean;
  /** A unit of the time that may be spent on bundles that are not taken; milliseconds. */
  limit: number;
  /** Takes one; throws when it is not to be had, and leaves in the candidate what that means. */
  take(candidate: Candidate): Promise<void>;
  /** Told of each that was not taken; throws to end it all. */
  failed(candidate: Candidate, error: unknown): void;
}

/** The order in which bundles are tried. */
export function tryOrder({ bundles, byToken }: BundleList, clone: boolean): ListedBundle[] {
  const whole = bundles.filter(({ filter }) => filter === null);
  if (!byToken) return whole;
  const token = (bundle: ListedBundle) => bundle.creationToken ?? -1n;
  const oldestFirst = whole.sort((a, b) => (token(a) < token(b) ? -1 : token(a) > token(b) ? 1 : 0));
  // Who has some of it already needs the newest, and of the older ones only those that it builds on.
  return clone ? oldestFirst : oldestFirst.toReversed();
}

/**
 * Takes what is needed of a list, each bundle when what it builds on is here. One that fails is passed over, together
 * with those that build on it.
 *
 * @throws the first failure, when not one was taken
 */
export async function inOrder(list: BundleList, taking: Taking): Promise<void> {
  const newestFirst = list.byToken && !taking.clone;
  let left = tryOrder(list, taking.clone).map(
    (bundle): Candidate => ({ bundle, header: null, waits: false, known: false }),
  );
  let [taken, failures, wasted] = [0, 0, 0];
  let first: unknown = null;
  for (let progress = true; progress && left.length > 0; ) {
    progress = false;
    for (const candidate of left) {
      const started = performance.now();
      try {
        Object.assign(candidate, { waits: false, known: false });
        await taking.take(candidate);
        taken += 1;
        progress = true;
        if (list.mode === 'any') return;
      } catch (error) {
        taking.failed(candidate, error);
        first ??= error;
        if (!candidate.waits && !candidate.known) failures += 1;
        wasted += performance.now() - started;
        if (failures >= MOST_FAILURES || wasted > PREPARATION * taking.limit) {
          left = [];
          break;
        }
        if (candidate.waits) continue;
      }
      // What an older one would bring is here, once one that builds on it is.
      const at = left.indexOf(candidate);
      const settled = newestFirst && at >= 0 && (candidate.known || progress);
      left = settled ? left.slice(0, at) : left.filter((other) => other !== candidate);
      if (settled) break;
    }
  }
  if (taken > 0) return;
  throw first instanceof GamError ? first : elsewhere('mirror-unusable', 'is a list of no bundles');
}
