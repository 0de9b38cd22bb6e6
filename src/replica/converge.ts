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
 * @param isSafe whether all that an id leads to is kept anyway
 */
export function convergence(
  current: RefValues,
  wanted: RefValues,
  isSafe: (oid: string) => boolean,
): { swaps: RefSwap[]; kept: string[] } {
  const swaps: RefSwap[] = [];
  const kept: string[] = [];
  for (const ref of differing(current, wanted)) {
    const [old, to] = [current.get(ref) ?? null, wanted.get(ref) ?? null];
    swaps.push({ ref, old, new: to });
    if (old === null || isSafe(old)) continue;
    kept.push(ref);
    swaps.push({ ref: divergedRef(ref, old), old: null, new: old });
  }
  return { swaps, kept };
}
