import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { allValues } from '../config/entries.ts';
import { isAskedFor, maySoonAsk, namesAhead, paysToAskAhead } from '../mirror/ask-ahead.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { recallAt } from '../state/addresses.ts';
import { readyMirror } from '../transport/mirror-line.ts';
import { isBundleMirror } from './bundle-mirror.ts';
import { hasPromisor } from './partial.ts';
import { Race } from './race.ts';
import type { StageOrder, StageTools } from './stage-order.ts';

/** Whom git fetches from. */
export interface Remote {
  /** Its name; null when git was given a URL. */
  name: string | null;
  canonicalUrl: string;
  /** Whether mirrors are to be tried first: by the user's word, or canonical's own. */
  mirrorsFirst: boolean;
}

/** A race that runs before git has said what it wants. */
export interface RaceAhead {
  race: Race;
  /** What the mirrors are asked for. */
  names: readonly string[];
}

/**
 * Lets mirrors race while canonical still says what it has, in a repository that has refs: when git asks for
 * something, a near mirror's refs are here already. Only where the record says that git will ask, since nearly every
 * fetch has found something new, and that the first mirror is near, or where mirrors are to be tried first; else a fetch
 * with nothing new leaves them alone. Then git's web helper for the first one is started at most, unless the last fetches
 * found nothing.
 *
 * @returns null when it would not pay, or mirrors have no part in this fetch
 */
export function raceAhead(
  remote: Remote,
  gitDir: string,
  mirrors: readonly Mirror[],
  tools: StageTools,
): RaceAhead | null {
  const { addresses, entries, env } = tools.contact;
  const first = mirrors.find(({ refusal }) => refusal === null);
  if (remote.name === null || first === undefined || first.resting === true) return null;
  // What is asked for in a shallow or partial repository goes to canonical untouched.
  if (hasPromisor(entries) || existsSync(join(gitDir, 'shallow'))) return null;
  const names = namesAhead(allValues(entries, 'remote', remote.name, 'fetch'));
  if (names.length === 0) return null;
  const known = recallAt(addresses, env);
  const canonical = known({ url: remote.canonicalUrl, refusal: null });
  const now = Date.now();
  if (!remote.mirrorsFirst && !paysToAskAhead(known(first), canonical, now)) {
    if (isBundleMirror(first, entries) || !maySoonAsk(canonical, now)) return null;
    tools.trace('mirror-ready', { site: first.site });
    readyMirror(first.url, tools.contact);
    return null;
  }
  tools.trace('race-ahead');
  const race = new Race(mirrors, { names, format: null }, tools);
  race.begin();
  // git's request would wait for it otherwise.
  tools.place().catch(() => undefined);
  return { race, names };
}

/** The race, if its answers tell what is to be known for this order; else it is over. */
export function takenUp({ race, names }: RaceAhead, order: StageOrder): Race | null {
  if (isAskedFor(order.wanted, names)) return race;
  race.abandon();
  return null;
}
