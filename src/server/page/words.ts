import { formatAge } from '../../mirror/account.ts';
import type { Freshness } from './status.ts';

const COUNTS = new Intl.NumberFormat('en');
const COUNTRIES = new Intl.DisplayNames(['en'], { type: 'region' });

/** A number with its thousands apart: `12,345`. */
export function formatCount(count: number): string {
  return COUNTS.format(count);
}

/** `1 mirror`, `1,000 mirrors`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/**
 * How long ago something was: `just now`, `40 s ago`.
 * @param now as `then` an ISO 8601 time; both are this server's, since the clock of whoever looks may be wrong
 */
export function formatAgo(then: string, now: string): string {
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(then)) / 1000);
  return seconds < 1 ? 'just now' : `${formatAge(Math.floor(seconds))} ago`;
}

/** A location for a person: the country's name, or the degrees as they are. */
export function formatPlace(location: string): string {
  if (!/^[A-Z]{2}$/.test(location)) return location.replace(',', ', ');
  const name = COUNTRIES.of(location) ?? location;
  return name === location ? location : `${name} (${location})`;
}

/** What came of a look, in a few words. */
export function formatFreshness({ state, behind }: Freshness): string {
  const words = {
    same: 'same',
    behind: `behind by ${counted(behind ?? 0, 'ref')}`,
    failed: 'not reached',
    unasked: 'not asked',
    unknown: 'not yet known',
  };
  return words[state];
}
