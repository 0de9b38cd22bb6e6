import { allValues, type ConfigEntry } from '../config/entries.ts';
import type { Mirror, MirrorSource } from './mirror.ts';
import { placeOf } from './offered-url.ts';
import type { Offer } from './offers.ts';
import { judgeMirrorUrl } from './refusal.ts';
import { siteNames } from './site.ts';

interface Named {
  url: string;
  source: MirrorSource;
  preferred: boolean;
  /** The list's entry, for one that no configuration names. */
  offer: Offer | null;
}

/**
 * True when a canonical URL lies under a base. The match ends at a boundary: `https://github.com` does not
 * take in `https://github.com.evil.example/`.
 */
function isUnder(url: string, base: string): boolean {
  if (base === '' || !url.startsWith(base)) return false;
  const rest = url.slice(base.length);
  return rest === '' || /[/:]$/.test(base) || rest.startsWith('/');
}

/** The URLs that `mirror.<base>.url` makes for a canonical URL: longest base first wins alone. */
function byPrefix(entries: readonly ConfigEntry[], canonical: string): string[] {
  const bases = entries
    .filter((e) => e.section === 'mirror' && e.name === 'url' && e.subsection !== null)
    .map((e) => e.subsection as string)
    .filter((base) => isUnder(canonical, base))
    .sort((a, b) => b.length - a.length);
  const [longest] = bases;
  if (longest === undefined) return [];
  const rest = canonical.slice(longest.length);
  return allValues(entries, 'mirror', longest, 'url').map((url) => url + rest);
}

/**
 * The mirrors of one canonical repository, by the authority of those who name them: the preferred one, those of the remote,
 * those of the longest matching `mirror.<base>.url`, and then those of lists, the server's before the published ref's
 * (contract.md, "The mirror list"). Each URL once, and never canonical itself.
 *
 * @param remote the remote's name; null when a URL was given on the command line
 * @param offers what lists have named, judged, highest authority first
 */
export function candidateMirrors(
  entries: readonly ConfigEntry[],
  remote: string | null,
  canonical: string,
  offers: readonly Offer[] = [],
): Mirror[] {
  const named: Named[] = [];
  const add = (url: string, source: MirrorSource, preferred = false, offer: Offer | null = null) => {
    if (url !== '' && url !== canonical && !named.some((other) => other.url === url)) {
      named.push({ url, source, preferred, offer });
    }
  };
  if (remote !== null) {
    const preferred = allValues(entries, 'remote', remote, 'preferredmirror').at(-1);
    if (preferred !== undefined) add(preferred, 'config', true);
    for (const url of allValues(entries, 'remote', remote, 'mirrorurl')) add(url, 'config');
  }
  for (const url of byPrefix(entries, canonical)) add(url, 'prefix');
  const known = new Set(named.map(({ url }) => placeOf(url)));
  for (const offer of offers) {
    if (!known.has(placeOf(offer.url))) add(offer.url, offer.source, false, offer);
  }

  const judged = named.map((mirror) => ({ ...mirror, ...judgeMirrorUrl(mirror.url) }));
  const sites = siteNames(
    judged.map(({ url, parsed }) => ({ url, parsed: parsed ?? { kind: 'file', path: url } })),
  );
  return judged.map(({ url, source, preferred, offer, refusal }, index) => ({
    url,
    source,
    preferred,
    site: sites[index] ?? '',
    refusal: offer?.refusal ?? refusal,
    ...(offer && { location: offer.location, priority: offer.priority }),
  }));
}
