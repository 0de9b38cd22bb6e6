import type { HeldLock, StateChange } from './coordinator.ts';

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
  /**
   * What the transaction's last commit did. git moves the refs of one transaction one after the other, locks before state: where the
   * arbiter's git was killed between two of them, whoever finds this does the rest.
   */
  changes: readonly StateChange[];
}

const WORD = /^[\w.-]{1,100}$/;
const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Writes a record; no two of one transaction are alike, nor of two. */
export function writeLockRecord(record: LockRecord): string {
  const { holder, transaction, since, leaseMs, renewal, changes } = record;
  const lines = [
    ['holder', holder],
    ['transaction', transaction],
    ['since', since],
    ['lease', leaseMs],
    ['renewal', renewal],
    ...changes.map(({ ref, old, new: to }) => ['change', old ?? '-', to ?? '-', ref]),
  ];
  return lines.map((line) => `${line.join(' ')}\n`).join('');
}

function parseChange(value: string): StateChange | null {
  const [old = '', to = '', ref = ''] = value.split(' ');
  const isId = (word: string) => word === '-' || OID.test(word);
  if (!isId(old) || !isId(to) || ref === '') return null;
  return { ref, old: old === '-' ? null : old, new: to === '-' ? null : to };
}

/**
 * Reads what writeLockRecord() writes; lines that it does not know are left to later versions.
 * @returns null for anything else
 */
export function parseLockRecord(text: string): LockRecord | null {
  const lines = text.split('\n').flatMap((line) => {
    const at = line.indexOf(' ');
    return at < 0 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
  const values = new Map(lines);
  const word = (name: string) => (WORD.test(values.get(name) ?? '') ? values.get(name) : undefined);
  const number = (name: string) => {
    const value = values.get(name) ?? '';
    return /^[0-9]{1,15}$/.test(value) ? Number(value) : undefined;
  };
  const [holder, transaction] = [word('holder'), word('transaction')];
  const [since, leaseMs, renewal] = [number('since'), number('lease'), number('renewal')];
  const changes = lines.flatMap(([name, value]) => (name === 'change' ? [parseChange(value)] : []));
  if (holder === undefined || transaction === undefined) return null;
  if (since === undefined || leaseMs === undefined || renewal === undefined) return null;
  if (!changes.every((change) => change !== null)) return null;
  return { holder, transaction, since, leaseMs, renewal, changes };
}

/** The lock of a ref, as its record tells of it. */
export function heldLock(ref: string, { holder, transaction, since, leaseMs }: LockRecord): HeldLock {
  return { ref, holder, transaction, since, leaseMs };
}
