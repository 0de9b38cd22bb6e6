import type { ConfigEntry } from '../config/entries.ts';
import type { Settings } from '../config/settings.ts';
import type { Environment } from '../git/environment.ts';
import { candidateMirrors } from '../mirror/candidates.ts';
import type { Addresses } from '../mirror/host-mirror.ts';
import type { KeptList } from '../mirror/kept-list.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { judgeOffers } from '../mirror/offers.ts';
import { knownRate, rankMirrors } from '../mirror/rank.ts';
import { recallAt } from '../state/addresses.ts';

/** Whose mirrors are looked for, and by which rules. */
export interface Asked {
  entries: readonly ConfigEntry[];
  settings: Settings;
  /** The remote's name; null when git was given a URL. */
  remote: string | null;
  canonicalUrl: string;
  env: Environment;
  addresses: Addresses;
}

/** Mirrors in the order in which they are tried. What is remembered need not be read for one alone. */
function inOrder(mirrors: readonly Mirror[], { settings, env, addresses }: Asked): readonly Mirror[] {
  if (mirrors.length < 2) return mirrors;
  const now = Date.now();
  return rankMirrors(mirrors, recallAt(addresses, env, settings.location), now, Math.random()).map(
    ({ mirror, known, backsOff }) => ({
      ...mirror,
      resting: backsOff !== null,
      rate: knownRate(known, now),
    }),
  );
}

/**
 * The mirrors of canonical that may serve, in the order in which they are tried: the user's, those of canonical's list, and those
 * of the one that is published there. One of the user's that must not be used is told of; those of a list are not, since nobody here has named them
 * (`gam mirrors list` shows them).
 */
export function knownMirrors(
  asked: Asked,
  list: KeptList | null,
  published: KeptList | null,
): readonly Mirror[] {
  const { entries, settings, remote, canonicalUrl } = asked;
  const { acceptMirrorUrl: accepted } = settings;
  const offers = [
    ...judgeOffers(list?.mirrors ?? [], 'server', canonicalUrl, accepted),
    ...judgeOffers(published?.mirrors ?? [], 'published', canonicalUrl, accepted),
  ];
  const mirrors = candidateMirrors(entries, remote, canonicalUrl, offers);
  const isMute = ({ source, refusal }: Mirror) => refusal !== null && !['config', 'prefix'].includes(source);
  return inOrder(
    mirrors.filter((mirror) => !isMute(mirror)),
    asked,
  );
}
