import type { ListedMirror } from '../../config/mirror-list.ts';
import { parseGitUrl } from '../../protocol/git-url.ts';
import { writeLocation } from '../../protocol/location.ts';
import { redactUrl } from '../../protocol/redact.ts';
import { printable } from '../../protocol/text.ts';
import type { ListedCopy } from '../cache-copies.ts';
import type { FoundList } from './find-lists.ts';
import type { Freshness, ShownCopy, ShownList, ShownMirror } from './status.ts';

/** Copies that were found, and whether there are more. */
export interface FoundCopies {
  copies: ShownCopy[];
  truncated: boolean;
}

/** A URL as it may be shown; null for a folder of this machine, which lists name for those who come over ssh: whoever looks by http is told of none. */
export function shownUrl(url: string): string | null {
  try {
    return parseGitUrl(url).kind === 'file' ? null : redactUrl(url);
  } catch {
    return null;
  }
}

function shownMirror(mirror: ListedMirror, freshness: Freshness): ShownMirror {
  const { id, url, location, priority, weight, state } = mirror;
  return {
    id,
    url: shownUrl(url),
    location: location && writeLocation(location),
    latitude: location?.latitude ?? null,
    longitude: location?.longitude ?? null,
    priority,
    weight,
    state,
    freshness,
  };
}

/** A repository's list as the page shows it: no login, no folder of this machine. */
export function shownList(
  { path, settings }: FoundList,
  freshnessOf: (mirror: ListedMirror) => Freshness,
): ShownList {
  const { canonical, state, successor, policy, limit, ttl, prefer, mirrors } = settings;
  return {
    path,
    canonical: canonical.flatMap((url) => shownUrl(url) ?? []),
    state,
    successor: successor === null ? null : shownUrl(successor),
    policy,
    limit,
    ttlSeconds: ttl,
    prefer,
    mirrors: mirrors.map((mirror) => shownMirror(mirror, freshnessOf(mirror))),
  };
}

/**
 * Why canonical could not be asked, as it may be shown: git's words hold canonical's URL and curl's reason, and of these the reason is shown;
 * whatever may name a file of this machine is for the log alone.
 */
export function shownReason(why: string): string {
  const [, reason = why] = /'https?:[^']*': (.+)$/.exec(why) ?? [];
  const isForLog = /(?:^|[\s'"(=:])[~/]|^(?:fatal|error): /.test(reason);
  return isForLog ? 'the log of the server says why' : printable(reason, 120);
}

/** A copy of a cache as the page shows it. */
export function shownCopy({ url, path, state, stale, since, bytes, used, hits }: ListedCopy): ShownCopy {
  const isMade = state !== 'fetching';
  const time = new Date(since).toISOString();
  return {
    path,
    canonical: redactUrl(url),
    state,
    reason: stale === null ? null : shownReason(stale.why),
    confirmedAt: isMade ? time : null,
    fetchingSince: isMade ? null : time,
    bytes,
    hits,
    lastUsedAt: used === null ? null : new Date(used).toISOString(),
  };
}
