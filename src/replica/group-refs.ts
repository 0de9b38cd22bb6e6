import { digest } from '../protocol/digest.ts';

/** What the group keeps for itself; no user's push may touch it. */
export const GROUP_REFS = 'refs/gam/';
/** What each ref is meant to be. */
export const STATE_REFS = `${GROUP_REFS}state/`;
/** Locks that are held. */
export const LOCK_REFS = `${GROUP_REFS}locks/`;

/** One for each member that commits at once (refs-gate.ts). */
export const GATE_REFS = `${GROUP_REFS}gates/`;
/** What was committed at once, by transaction, until whoever did it has heard so. */
export const DONE_REFS = `${GROUP_REFS}done/`;

/** Whether a ref is one of those by which the arbiter decides. */
export function isOfArbiter(name: string): boolean {
  return [LOCK_REFS, STATE_REFS, GATE_REFS, DONE_REFS].some((prefix) => name.startsWith(prefix));
}

/** A push of more refs takes this one lock in place of theirs: so many would take longer to renew than a lease lasts. */
export const WIDE = 'many refs';
const MOST_LOCKED = 500;

/**
 * What is locked for refs: each of them, or, where they are more than `most`, all such pushes at once. The commit finds out what
 * others moved.
 */
export function lockedFor(refs: readonly string[], most = MOST_LOCKED): readonly string[] {
  const each = [...new Set(refs)].sort();
  return each.length > most ? [WIDE] : each;
}

/** A file of a longer name is refused by file systems, and a loose ref is a file. */
const LONGEST = 200;

/** Where the state of a ref stands; the ref it is about is beneath `refs/`. */
export function stateRef(ref: string): string {
  return STATE_REFS + ref.replace(/^refs\//, '');
}

/** The ref that a state is about. */
export function refOfState(name: string): string {
  return `refs/${name.slice(STATE_REFS.length)}`;
}

/**
 * Where the lock of a ref stands: beside all others, since `a` and `a/b` may both be locked where only one of them can be.
 * A long name ends with a hash.
 */
export function lockRef(ref: string): string {
  const name = ref.replace(/[% /]/g, (character) =>
    character === ' ' ? '+' : character === '%' ? '%25' : '%2F',
  );
  const bytes = Buffer.from(name);
  if (bytes.length <= LONGEST) return LOCK_REFS + name;
  const hash = digest('sha256', ref).toString('hex').slice(0, 40);
  // Cut where no character is: what is left of one is no name for git.
  const begun = bytes.toString('latin1', 0, LONGEST - 41).replace(/[\u0080-\u00ff]+$|%2?$/g, '');
  return `${LOCK_REFS}${Buffer.from(begun, 'latin1').toString()}+${hash}`;
}

/** The ref that a lock is of; a long name only as far as it stands there. */
export function refOfLock(name: string): string {
  return name
    .slice(LOCK_REFS.length)
    .replace(/^many\+refs$/, WIDE)
    .replace(/%(25|2F)/g, (_, code: string) => (code === '25' ? '%' : '/'));
}
