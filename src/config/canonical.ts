import type { ConfigEntry } from './entries.ts';
import { allValues, lastValue } from './entries.ts';

const PREFIX = 'mirror::';

/** The name of a configured remote; null when git was given a URL, which it then passes as the name, too. */
export function remoteName(remote: string, url: string): string | null {
  return remote === url || remote === PREFIX + url || remote === '' ? null : remote;
}

/**
 * The canonical URL behind what git passed to the helper. git has applied url.<base>.insteadOf to the whole
 * `mirror::<url>`, so it is applied here to the inner one, as it would have been without `mirror::`
 * (git-config(1), "url.<base>.insteadOf": the longest match wins). A remote with `vcs = mirror` has its plain
 * URL rewritten by git already. A rewrite to `mirror::` is what led here, and is not followed again.
 */
export function canonicalUrl(entries: readonly ConfigEntry[], remote: string | null, url: string): string {
  if (remote !== null && lastValue(entries, 'remote', remote, 'vcs') === 'mirror') {
    // git cuts a URL at `::` before it starts a helper, also the `[::1]:path` of an IPv6 address.
    return allValues(entries, 'remote', remote, 'url').find((whole) => whole.endsWith(`[::${url}`)) ?? url;
  }
  const rewrites = entries.filter(
    (e) =>
      e.section === 'url' &&
      e.name === 'insteadof' &&
      e.subsection !== null &&
      !e.subsection.startsWith(PREFIX) &&
      url.startsWith(e.value ?? ' '),
  );
  const longest = rewrites.reduce<ConfigEntry | null>(
    (best, e) => ((e.value ?? '').length > (best?.value ?? '').length ? e : best),
    null,
  );
  return longest ? `${longest.subsection}${url.slice((longest.value ?? '').length)}` : url;
}
