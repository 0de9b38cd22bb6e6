import type { ListedMirror } from '../../config/mirror-list.ts';
import { parseGitUrl } from '../../protocol/git-url.ts';
import { writeLocation } from '../../protocol/location.ts';
import { redactUrl } from '../../protocol/redact.ts';
import type { FoundList } from './find-lists.ts';
import type { Freshness, ShownList, ShownMirror } from './status.ts';

// A list may name folders of this machine, for those who come over ssh; whoever looks by http is told of none.
function shownUrl(url: string): string | null {
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
