import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { parseDuration } from '../config/quantity.ts';

/** Bounds of what a push may wait for, in milliseconds; each member may have its own. */
export interface Bounds {
  /** `replica.lockTimeout`: for locks that others hold. */
  lockMs: number;
  /** `replica.memberTimeout`: for a member that says nothing. */
  memberMs: number;
  /** `replica.leaseTime`: so long a lock holds that nobody renews. */
  leaseMs: number;
  /** `replica.hookTimeout`: for the repository's own proc-receive hook, once all else of the push is done. */
  hookMs: number;
}

const BOUNDS: Bounds = { lockMs: 30_000, memberMs: 30_000, leaseMs: 15_000, hookMs: 300_000 };

/** A shorter lease would not outlast the pushes that renew it. */
const SHORTEST_LEASE = 2000;

/**
 * Reads the bounds; a value that cannot be read is told, and the default is used.
 * @param warn told of it in one line
 */
export function readBounds(entries: readonly ConfigEntry[], warn: (line: string) => void): Bounds {
  const duration = (name: string, fallback: number, least = 1) => {
    const value = lastValue(entries, 'replica', null, name.toLowerCase());
    const parsed = value === undefined ? fallback : parseDuration(value);
    if (parsed !== undefined && parsed >= least) return parsed;
    warn(`replica.${name} is no duration that can be used, and ${fallback / 1000} s counts: ${value ?? ''}`);
    return fallback;
  };
  return {
    lockMs: duration('lockTimeout', BOUNDS.lockMs),
    memberMs: duration('memberTimeout', BOUNDS.memberMs),
    leaseMs: duration('leaseTime', BOUNDS.leaseMs, SHORTEST_LEASE),
    hookMs: duration('hookTimeout', BOUNDS.hookMs),
  };
}
