import type { HeldLock } from './coordinator.ts';

/** What a lock says of itself. */
export interface LockRecord {
  /** The member whose push it is. */
  holder: string;
  transaction: string;
  /** When it was taken, by the holder's clock, in milliseconds since the epoch. */
  since: number;
  leaseMs: number;
  /** Counts renewals: each makes another record, so that whoever waits sees that somebody is there. */
  renewal: number;
}

const WORD = /^[\w.-]{1,100}$/;

/** Writes a record; no two of one transaction are alike, nor of two. */
export function writeLockRecord({ holder, transaction, since, leaseMs, renewal }: LockRecord): string {
  const lines = [
    ['holder', holder],
    ['transaction', transaction],
    ['since', since],
    ['lease', leaseMs],
    ['renewal', renewal],
  ];
  return lines.map((line) => `${line.join(' ')}\n`).join('');
}

/**
 * Reads what writeLockRecord() writes; lines that it does not know are left to later versions.
 * @returns null for anything else
 */
export function parseLockRecord(text: string): LockRecord | null {
  const values = new Map(
    text.split('\n').flatMap((line) => {
      const at = line.indexOf(' ');
      return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
    }),
  );
  const word = (name: string) => (WORD.test(values.get(name) ?? '') ? values.get(name) : undefined);
  const number = (name: string) => {
    const value = values.get(name) ?? '';
    return /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
  };
  const [holder, transaction] = [word('holder'), word('transaction')];
  const [since, leaseMs, renewal] = [number('since'), number('lease'), number('renewal')];
  if (holder === undefined || transaction === undefined) return null;
  if (since === undefined || leaseMs === undefined || renewal === undefined) return null;
  return { holder, transaction, since, leaseMs, renewal };
}

/** The lock of a ref, as its record tells of it. */
export function heldLock(ref: string, { holder, transaction, since, leaseMs }: LockRecord): HeldLock {
  return { ref, holder, transaction, since, leaseMs };
}
