import type { NamedOid } from './choose.ts';
import { faded } from './measure.ts';
import { FORGOTTEN, type Known, knownLatency } from './rank.ts';

/**
 * Canonical's first answer must take so many times as long as the mirror's: git's request comes one round trip behind
 * the former, the mirror's refs one behind the latter, and they are to be here first.
 */
const NEARER = 2;

/** In so large a share of the fetches canonical must have had something new; five in a row within half a day will do. */
const CHANGING = 0.7;

/** So many fetches with nothing new are assumed besides those that were seen: a few tell no habit. */
const DOUBT = 2;

/**
 * Whether a mirror is to be asked for its refs before git has said that it wants anything. If git does, a mirror's
 * round trips are saved; if not, a mirror was troubled in vain.
 *
 * @param mirror what is known of the mirror that is tried first
 * @param canonical what is known of the canonical repository
 */
export function paysToAskAhead(mirror: Known, canonical: Known, now: number): boolean {
  const [near, far] = [knownLatency(mirror, now), knownLatency(canonical, now)];
  if (near === null || far === null || far < NEARER * near || canonical.own === null) return false;
  const { value, weight } = faded(canonical.own, now).share;
  return (value * weight) / (weight + DOUBT) >= CHANGING;
}

/** More than half of the fetches found something new; the last ones count most. */
const LIKELY = 0.5;

/**
 * Whether a fetch is likely to find something new: so did the last ones, or none is remembered. Then what leads to a
 * mirror may be started while canonical answers, although nobody is contacted yet.
 *
 * @param canonical what is known of the canonical repository
 */
export function maySoonAsk({ own }: Known, now: number): boolean {
  const { value, weight } = own === null ? { value: 0, weight: 0 } : faded(own, now).share;
  return weight < FORGOTTEN || value > LIKELY;
}

/** What a clone asks for, nearly always; HEAD, which stands at one of the branches, tells which is the main one. */
export const CLONED = ['HEAD', 'refs/heads/', 'refs/tags/'];

/**
 * The names of refs, or prefixes of many, that a fetch by these refspecs may want: what they name on the other side,
 * and the tags that git follows (git-fetch(1), "refspec").
 *
 * @param refspecs the values of `remote.<name>.fetch`
 */
export function namesAhead(refspecs: readonly string[]): string[] {
  const sources = refspecs
    .filter((spec) => spec !== '' && !spec.startsWith('^'))
    .map((spec) => spec.replace(/^\+/, '').split(':')[0] ?? '')
    .map((source) => source.split('*')[0] ?? '')
    .filter((source) => source.startsWith('refs/'));
  return sources.length === 0 ? [] : [...new Set(['HEAD', ...sources, 'refs/tags/'])];
}

/** Whether all that is wanted was asked for: an answer that cannot hold it tells nothing of the mirror. */
export function isAskedFor(wanted: readonly NamedOid[], names: readonly string[]): boolean {
  return wanted.every(({ name }) => names.some((asked) => name.startsWith(asked)));
}
