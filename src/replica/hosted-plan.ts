import type { RefValues } from './converge.ts';

/** One ref of a hosted member, each time an object id, or null where there is no such ref. */
export interface HostedRef {
  /** What both sides had when they were last the same. */
  seen: string | null;
  /** What the hosted member has. */
  there: string | null;
  /** What the group has. */
  here: string | null;
}

/**
 * Which side has to move: `here`, the group, takes what is there; `there`, the hosted member, gets what the group has; `apart`: neither,
 * since one side would lose what it has.
 */
export type Way = 'same' | 'here' | 'there' | 'apart';

/**
 * Which way a ref of a hosted member goes. Both ways only forward; what was deleted on one side is deleted on the other if that has not
 * moved since, and comes back if it has.
 *
 * @param leads whether the second id has all that the first one has
 */
export function wayOf({ seen, there, here }: HostedRef, leads: (from: string, to: string) => boolean): Way {
  if (there === here) return 'same';
  if (here === null) return seen !== null && there === seen ? 'there' : 'here';
  if (there === null) return seen !== null && here === seen ? 'here' : 'there';
  // Whoever has not moved is not asked: a branch that the group has set back must not be brought forward again.
  if (here !== seen && leads(there, here)) return 'there';
  if (there !== seen && leads(here, there)) return 'here';
  return 'apart';
}

/** What is to be done with all refs, by the way they go. */
export interface HostedPlan {
  here: Map<string, HostedRef>;
  there: Map<string, HostedRef>;
  apart: Map<string, HostedRef>;
  same: Map<string, HostedRef>;
}

/** Sorts refs by the way they go. */
export function planHosted(
  values: { seen: RefValues; there: RefValues; here: RefValues },
  leads: (ref: string, from: string, to: string) => boolean,
): HostedPlan {
  const plan: HostedPlan = { here: new Map(), there: new Map(), apart: new Map(), same: new Map() };
  const names = new Set([...values.seen.keys(), ...values.there.keys(), ...values.here.keys()]);
  for (const ref of [...names].sort()) {
    const [seen, there, here] = [values.seen, values.there, values.here].map((of) => of.get(ref) ?? null);
    const one: HostedRef = { seen: seen ?? null, there: there ?? null, here: here ?? null };
    plan[wayOf(one, (from, to) => leads(ref, from, to))].set(ref, one);
  }
  return plan;
}
