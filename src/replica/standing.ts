import { differing, type RefValues } from './converge.ts';

/** A ref of a member that is not what it is meant to be. */
export interface LaggingRef {
  ref: string;
  /** What it is there; null where there is none. */
  has: string | null;
  /** What the group's state says; null where there is to be none. */
  meant: string | null;
}

/**
 * The refs at which a member stands elsewhere than the group.
 *
 * @param values what the member has
 * @param before, after the group's state as it was read before and behind that: a ref that moved meanwhile, and stands where it
 *   stood or where it went, is no lag but a push under way
 */
export function lagging(values: RefValues, before: RefValues, after: RefValues): LaggingRef[] {
  const isUnderWay = (ref: string) => values.get(ref) === before.get(ref);
  return differing(values, after)
    .filter((ref) => !isUnderWay(ref))
    .map((ref) => ({ ref, has: values.get(ref) ?? null, meant: after.get(ref) ?? null }));
}
