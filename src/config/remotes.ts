import { type ConfigEntry, lastValue } from './entries.ts';

/** A configured remote, as `git fetch <name>` sees it. */
export interface Remote {
  name: string;
  /** The first `remote.<name>.url`, as written; it may start with `mirror::`. */
  url: string;
  /** The plain URL that the helper is given: rewritten by `url.<base>.insteadOf`, without `mirror::`. */
  canonical: string;
  /** True when git fetches this remote through gam: by its URL, by a rewrite, or by `remote.<name>.vcs`. */
  throughGam: boolean;
}

const PREFIX = 'mirror::';

/** A URL without gam's own prefix. */
export function withoutPrefix(url: string): string {
  return url.startsWith(PREFIX) ? url.slice(PREFIX.length) : url;
}

/** A URL after `url.<base>.insteadOf`: the longest matching value wins, the first of equals (git's alias_url). */
export function rewriteUrl(entries: readonly ConfigEntry[], url: string): string {
  let best: { base: string; prefix: string } | null = null;
  for (const { section, subsection, name, value } of entries) {
    if (section !== 'url' || name !== 'insteadof' || subsection === null || value === null) continue;
    if (url.startsWith(value) && value.length > (best?.prefix.length ?? 0))
      best = { base: subsection, prefix: value };
  }
  return best === null ? url : best.base + url.slice(best.prefix.length);
}

/** The remotes of a repository that have a URL, in the order of the configuration. */
export function readRemotes(entries: readonly ConfigEntry[]): Remote[] {
  const remotes: Remote[] = [];
  for (const { section, subsection, name, value } of entries) {
    if (section !== 'remote' || name !== 'url' || subsection === null || !value) continue;
    if (remotes.some((remote) => remote.name === subsection)) continue;
    const rewritten = rewriteUrl(entries, value);
    remotes.push({
      name: subsection,
      url: value,
      canonical: withoutPrefix(rewritten),
      throughGam:
        rewritten.startsWith(PREFIX) || lastValue(entries, 'remote', subsection, 'vcs') === 'mirror',
    });
  }
  return remotes;
}
