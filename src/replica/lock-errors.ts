import { GamError } from '../errors.ts';
import type { HeldLock } from './coordinator.ts';

/** What every coordinator says of a lock that is another's by now. */
export function leaseLost(ref: string): GamError {
  return new GamError('lease-lost', `the lock of ${ref} was lost to another push`, {
    suggestion: 'nothing has changed: push again',
  });
}

/** What it says of a ref that was meant to be something else; null where it is not known which. */
export function replicaBehind(ref: string | null): GamError {
  return new GamError('replica-behind', `${ref ?? 'a ref'} has moved on another member meanwhile`, {
    suggestion: 'this member catches up now: fetch, and push again',
  });
}

/**
 * What it says to whoever has waited in vain, and for which lock; null where others took it each time.
 * @param words why a lock that nobody holds cannot be taken
 */
export function lockTimeout(held: HeldLock | null, words: string | null = null): GamError {
  const why =
    held !== null
      ? `the lock of ${held.ref} is held by ${held.holder}`
      : words === null
        ? 'the locks were taken by others again and again'
        : `the locks cannot be taken: ${words}`;
  return new GamError('lock-timeout', why, {
    suggestion: 'push again later; gam replica locks tells who holds what',
  });
}

/** What it says to whoever has waited in vain for another's commit of many refs to end. */
export function wideTimeout(): GamError {
  return new GamError('lock-timeout', 'another push of many refs has not ended yet', {
    suggestion: 'nothing has changed: push again later',
  });
}
