import type { RefSwap } from '../git/swap-refs.ts';
import { digest } from '../protocol/digest.ts';

/** Object ids by ref. */
export type RefValues = ReadonlyMap<string, string>;

/** What a member has that the group has not is kept under these, by the ref and the id. */
export const DIVERGED_REFS = 'refs/gam/diverged/';

/** Where a tip is kept that stood at a ref. */
export function divergedRef(ref: string, oid: string): string {
  return `${DIVERGED_REFS}${ref.replace(/^refs\//, '')}/${digest('sha1', `${ref} ${oid}`).toString('hex').slice(0, 12)}`;
}

/** Which refs differ, by name. */
export function differing(current: RefValues, wanted: RefValues): string[] {
  const names = new Set([...current.keys(), ...wanted.keys()]);
  return [...names].filter((ref) => current.get(ref) !== wanted.get(ref)).sort();
}

/**
 * The swaps that make refs what they are meant to be. A tip that would be lost is kept aside.
 *
 * @param isSafe whether all that an id leads to is kept anyway, or nobody would miss it at that ref
 */
export function convergence(
  current: RefValues,
  wanted: RefValues,
  isSafe: (oid: string, ref: string) => boolean,
): { swaps: RefSwap[]; kept: string[] } {
  const swaps: RefSwap[] = [];
  const kept: string[] = [];
  for (const ref of differing(current, wanted)) {
    const [old, to] = [current.get(ref) ?? null, wanted.get(ref) ?? null];
    swaps.push({ ref, old, new: to });
    if (old === null || isSafe(old, ref)) continue;
    kept.push(ref);
    swaps.push({ ref: divergedRef(ref, old), old: null, new: old });
  }
  return { swaps, kept };
}

/** All names that a ref's name makes folders of: of `refs/heads/a/b`, `refs/heads/a` and what is above. */
function above(ref: string): string[] {
  const parts = ref.split('/');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('/'));
}

/**
 * Swaps in the order in which git takes them, each list in one transaction: none that deletes `a` can make `a/b`
 * (refs.c, refs_verify_refname_available). So refs that stand where others are to be go first.
 */
export function inOrder(swaps: readonly RefSwap[]): RefSwap[][] {
  const made = new Set(swaps.flatMap(({ ref, old, new: to }) => (old === null && to !== null ? ref : [])));
  const folders = new Set([...made].flatMap(above));
  const isInTheWay = ({ ref, new: to }: RefSwap) =>
    to === null && (folders.has(ref) || above(ref).some((folder) => made.has(folder)));
  const batches = [swaps.filter(isInTheWay), swaps.filter((swap) => !isInTheWay(swap))];
  return batches.filter((batch) => batch.length > 0);
}
