import type { ConfigEntry } from '../config/entries.ts';
import { type Remote, readRemotes, rewriteUrl, withoutPrefix } from '../config/remotes.ts';
import { GamError } from '../errors.ts';
import { writeLocation } from '../protocol/location.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { candidateMirrors } from './candidates.ts';
import type { Mirror, MirrorSource } from './mirror.ts';
import type { Offer } from './offers.ts';
import { type Known, type RankedMirror, rankMirrors } from './rank.ts';

/** One element of `gam mirrors list --json`. What is not known is null. */
export interface ListedMirror {
  url: string;
  site: string;
  canonical: string;
  source: MirrorSource;
  preferred: boolean;
  /** 0 to 100, lower first. */
  priority: number | null;
  /** As a list says, or else of its host: a country's code, or degrees north and east, `52.5,13.4`. */
  location: string | null;
  /**
   * `ready`: would be contacted. `backing-off`: it failed, and goes behind all others for a while. `refused`: is
   * never contacted. Of the latter two `reason` says why.
   */
  state: 'ready' | 'backing-off' | 'refused';
  reason: string | null;
  /** From the start of contact to the greeting. */
  latencyMs: number | null;
  bytesPerSecond: number | null;
  /** Commits behind canonical when `gam mirrors check` looked last. */
  lag: number | null;
  /** Transfers that brought something, and those for which it had nothing. */
  hits: number | null;
  misses: number | null;
  /** ISO 8601. */
  lastUsed: string | null;
  /** The place in the order in which the mirrors of this canonical are tried, from 1; null when it never is. */
  rank: number | null;
  lagSeconds: number | null;
  /** Bytes that canonical need not send. */
  bytesSaved: number | null;
  /** Failures without a success between them. */
  failures: number | null;
  /** From this machine to `location`. */
  distanceKm: number | null;
}

/** Whose mirrors are asked for. */
export interface Target {
  /** null when a URL or a base is meant. */
  remote: string | null;
  canonical: string;
}

/** The remote of that name. @throws GamError `unknown-remote` naming those that exist */
export function needRemote(remotes: readonly Remote[], name: string): Remote {
  const remote = remotes.find((other) => other.name === name);
  if (remote !== undefined) return remote;
  const known = remotes.map((other) => printable(other.name)).join(', ');
  throw new GamError('unknown-remote', `no remote '${redactUrl(name)}' with a URL`, {
    suggestion: known === '' ? 'add one with git remote add' : `the remotes here are ${known}`,
  });
}

/**
 * The remote that a command means when none is named: `origin`, or the only one.
 * @throws GamError `unknown-remote` when there is none, `usage` when there are several
 */
export function defaultRemote(remotes: readonly Remote[]): Remote {
  const [only, second] = remotes;
  const chosen = remotes.find((remote) => remote.name === 'origin') ?? (second ? undefined : only);
  if (chosen !== undefined) return chosen;
  if (only === undefined)
    throw new GamError('unknown-remote', 'this repository has no remote', {
      suggestion: 'add one with git remote add, or name a base with --for',
    });
  const names = remotes.map((remote) => printable(remote.name)).join(', ');
  throw new GamError('usage', `several remotes (${names}) and none is called origin`, {
    suggestion: 'name one with --remote',
  });
}

/**
 * Finds whose mirrors to list: of the named remote, of the remotes with this URL (or of the URL alone), of
 * every remote, or, outside a repository, of every `mirror.<base>.url`.
 * @throws GamError `unknown-remote`
 */
export function listTargets(
  entries: readonly ConfigEntry[],
  asked: { inRepository: boolean; url?: string | undefined; remote?: string | undefined },
): Target[] {
  const remotes = asked.inRepository ? readRemotes(entries) : [];
  const target = (remote: Remote): Target => ({ remote: remote.name, canonical: remote.canonical });
  if (asked.remote !== undefined) return [target(needRemote(remotes, asked.remote))];
  if (asked.url !== undefined) {
    const canonical = withoutPrefix(rewriteUrl(entries, withoutPrefix(asked.url)));
    const same = remotes.filter((remote) => remote.canonical === canonical || remote.name === asked.url);
    return same.length > 0 ? same.map(target) : [{ remote: null, canonical }];
  }
  if (asked.inRepository) return remotes.map(target);
  const bases = entries.flatMap(({ section, subsection, name }) =>
    section === 'mirror' && name === 'url' && subsection ? [subsection] : [],
  );
  return [...new Set(bases)].map((base) => ({ remote: null, canonical: base }));
}

function tenths(number: number): number {
  return Math.round(number * 10) / 10;
}

/** What is remembered, as it is shown. Latency and rate are those of the host where the URL has none. */
function measured({ own, line }: Known) {
  const latency = [own, line].find((measure) => measure && measure.latency.weight > 0)?.latency;
  const rate = [own, line].find((measure) => measure && measure.rate.ms > 0)?.rate;
  return {
    latencyMs: latency ? tenths(latency.value) : null,
    bytesPerSecond: rate ? Math.round((rate.bytes / rate.ms) * 1000) : null,
    lag: own?.lag ?? null,
    hits: own?.hits ?? null,
    misses: own?.misses ?? null,
    lastUsed: own?.lastUsed ? new Date(own.lastUsed).toISOString() : null,
  };
}

function standing({ mirror, known: { own, lacksUntil }, backsOff }: RankedMirror) {
  if (mirror.refusal !== null) return { state: 'refused', reason: mirror.refusal } as const;
  if (lacksUntil) {
    const again = new Date(lacksUntil).toISOString();
    return {
      state: 'backing-off',
      reason: `does not carry this repository; asked again after ${again}`,
    } as const;
  }
  if (backsOff === null) return { state: 'ready', reason: null } as const;
  const until = new Date(backsOff).toISOString();
  return { state: 'backing-off', reason: `${own?.reason ?? 'failed'}; goes last until ${until}` } as const;
}

function listed(ranked: RankedMirror, canonical: string, rank: number | null): ListedMirror {
  const { mirror, known } = ranked;
  return {
    url: redactUrl(mirror.url),
    site: mirror.site,
    canonical: redactUrl(canonical),
    source: mirror.source,
    preferred: mirror.preferred,
    priority: mirror.priority ?? null,
    location: known.location && writeLocation(known.location),
    ...standing(ranked),
    ...measured(known),
    rank,
    lagSeconds: known.own?.lagSeconds ?? null,
    bytesSaved: known.own?.saved ?? null,
    failures: known.own?.failures ?? null,
    distanceKm: known.distance === null ? null : Math.round(known.distance),
  };
}

/**
 * The mirrors of one target in the order in which they are tried, fit to be shown: no login, no control character.
 * @param offers what lists have named
 * @param known what is remembered of a mirror
 */
export function listMirrors(
  entries: readonly ConfigEntry[],
  { remote, canonical }: Target,
  offers: readonly Offer[],
  known: (mirror: Mirror) => Known,
  now: number,
): ListedMirror[] {
  let rank = 0;
  return rankMirrors(candidateMirrors(entries, remote, canonical, offers), known, now, null).map((ranked) => {
    if (ranked.mirror.refusal === null) rank += 1;
    return listed(ranked, canonical, ranked.mirror.refusal === null ? rank : null);
  });
}
