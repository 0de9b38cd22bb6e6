import { canonicalUrl } from '../config/canonical.ts';
import type { ConfigEntry } from '../config/entries.ts';
import { allValues } from '../config/entries.ts';
import { type Remote, readRemotes, rewriteUrl, withoutPrefix } from '../config/remotes.ts';
import { CLONED, namesAhead } from './ask-ahead.ts';
import { isUnderIncluded } from './enabling.ts';
import { defaultRemote, needRemote } from './listing.ts';

/** A clone or fetch that is looked at before it is run. */
export interface AuditTarget {
  /** The URL as it was given, or is configured; it may start with `mirror::`. */
  given: string;
  /** What canonical is reached by. */
  canonical: string;
  /** Null for a clone, and for a URL that no remote here has. */
  remote: string | null;
  /** Whether a plain git goes through gam there; else only `gam clone` and `gam fetch` do. */
  throughGam: boolean;
  /** Names of refs that are asked for, or what they begin with. */
  refs: string[];
}

function ofRemote(entries: readonly ConfigEntry[], { name, url, throughGam }: Remote): AuditTarget {
  const rewritten = rewriteUrl(entries, url);
  const passed = withoutPrefix(rewritten);
  // git has rewritten a plain URL; behind `mirror::` the helper does.
  const canonical = rewritten === passed ? passed : canonicalUrl(entries, name, passed);
  const ahead = namesAhead(allValues(entries, 'remote', name, 'fetch'));
  return { given: url, canonical, remote: name, throughGam, refs: ahead.length > 0 ? ahead : CLONED };
}

function ofUrl(entries: readonly ConfigEntry[], given: string): AuditTarget {
  const led = rewriteUrl(entries, given);
  const throughGam = led.startsWith('mirror::') || isUnderIncluded(entries, given);
  const inner = withoutPrefix(led.startsWith('mirror::') ? led : given);
  return { given, canonical: canonicalUrl(entries, null, inner), remote: null, throughGam, refs: CLONED };
}

/**
 * Makes out what a fetch or a clone would contact: that of the named remote, of the remote that has this URL, of the URL
 * alone, or of origin or the only remote where nothing is named.
 * @throws GamError `unknown-remote`, `usage`
 */
export function auditTarget(
  entries: readonly ConfigEntry[],
  asked: { inRepository: boolean; url?: string | undefined; remote?: string | undefined },
): AuditTarget {
  const remotes = asked.inRepository ? readRemotes(entries) : [];
  if (asked.remote !== undefined) return ofRemote(entries, needRemote(remotes, asked.remote));
  if (asked.url === undefined) return ofRemote(entries, defaultRemote(remotes));
  const alone = ofUrl(entries, asked.url);
  const same = remotes
    .map((remote) => ofRemote(entries, remote))
    .find(({ canonical, remote }) => canonical === alone.canonical || remote === asked.url);
  return same ?? alone;
}
