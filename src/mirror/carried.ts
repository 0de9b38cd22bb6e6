import { allValues, type ConfigEntry } from '../config/entries.ts';
import { rewriteUrl, withoutPrefix } from '../config/remotes.ts';
import { parseGitUrl } from '../protocol/git-url.ts';

/**
 * A URL without what is nobody else's business: the login of a web URL, the password of any other. Of ssh the user is part
 * of the address (`ssh://git@host/path`).
 */
function withoutLogin(url: string): string {
  const plain = url.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
  return plain.replace(/^([a-z0-9+.-]+:\/\/[^/?#@:]*):[^/?#]*@/i, '$1@');
}

/** A URL as it is compared: `https://h/x/` names what `https://h/x` does. */
function comparable(url: string): string {
  return withoutLogin(withoutPrefix(url)).replace(/(?<=[^/])\/+$/, '');
}

// A path of this machine says nothing to others, and is not for them to know.
function isForOthers(url: string): boolean {
  try {
    return parseGitUrl(url).kind !== 'file';
  } catch {
    return false;
  }
}

function remoteUrls(entries: readonly ConfigEntry[]): { name: string; url: string }[] {
  return entries.flatMap(({ section, subsection, name, value }) =>
    section === 'remote' && name === 'url' && subsection !== null && value
      ? [{ name: subsection, url: value }]
      : [],
  );
}

/**
 * Whether a repository carries what a client knows by this URL: the URL is one of `mirrorList.canonical`, or of one of its
 * remotes, as written or as `url.<base>.insteadOf` has it, with or without `mirror::`. Slashes at the end do not count,
 * nor does a login.
 */
export function carries(url: string, canonical: readonly string[], entries: readonly ConfigEntry[]): boolean {
  const remotes = remoteUrls(entries).flatMap((remote) => [remote.url, rewriteUrl(entries, remote.url)]);
  return [...canonical, ...remotes].some((one) => comparable(one) === comparable(url));
}

/**
 * The URLs that a repository carries, to be told to those who asked for another one: `mirrorList.canonical`, and those of
 * the remotes that it fetches from. A remote that is only pushed to is not carried.
 */
export function carriedUrls(canonical: readonly string[], entries: readonly ConfigEntry[]): string[] {
  const fetched = remoteUrls(entries).filter(
    ({ name }) => allValues(entries, 'remote', name, 'fetch').length > 0,
  );
  const remotes = fetched
    .map(({ url }) => withoutLogin(withoutPrefix(rewriteUrl(entries, url))))
    .filter(isForOthers);
  return [...new Set([...canonical, ...remotes])];
}
