import { allValues, type ConfigEntry, parseBoolean } from '../config/entries.ts';
import { rewriteUrl, withoutPrefix } from '../config/remotes.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { repositoryKey } from '../protocol/repository-key.ts';

/**
 * A URL without what is nobody else's business: the login of a web URL, the password of any other. Of ssh the user is part
 * of the address (`ssh://git@host/path`).
 */
export function withoutLogin(url: string): string {
  const plain = url.replace(/^(https?:\/\/)[^/?#]*@/i, '$1');
  return plain.replace(/^([a-z0-9+.-]+:\/\/[^/?#@:]*):[^/?#]*@/i, '$1@');
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

/** What a clone carries of a remote: `own`, all its refs under their own names; or those refs that its refspecs have brought. */
export interface CarriedRemote {
  name: string;
  own: boolean;
}

// A mirror clone has canonical's refs under their own names (git-clone(1), --mirror).
function isWhole(refspec: string): boolean {
  return refspec.replace(/^\+/, '') === 'refs/*:refs/*';
}

/** Whether objects were left out of a clone, to be fetched when they are needed (git-clone(1), --filter): it cannot serve others. */
export function isPartial(entries: readonly ConfigEntry[]): boolean {
  return entries.some(
    ({ section, name, value }) =>
      (section === 'extensions' && name === 'partialclone') ||
      (section === 'remote' && name === 'promisor' && parseBoolean(value ?? 'true') === true),
  );
}

/** The values of `remote.<name>.fetch`; none for a remote that is only pushed to. */
export function fetchRefspecs(entries: readonly ConfigEntry[], name: string): string[] {
  return allValues(entries, 'remote', name, 'fetch');
}

function isNamedBy(remoteUrl: string, key: string, entries: readonly ConfigEntry[]): boolean {
  return [remoteUrl, rewriteUrl(entries, remoteUrl)].some((one) => repositoryKey(one) === key);
}

/**
 * The remotes of a clone that are what a client knows by this URL: as written or as `url.<base>.insteadOf` has it, and
 * however it is spelt (repositoryKey()). Only those that are fetched from.
 */
export function carriedRemotes(url: string, entries: readonly ConfigEntry[]): CarriedRemote[] {
  const key = repositoryKey(url);
  const names = remoteUrls(entries).flatMap((remote) =>
    isNamedBy(remote.url, key, entries) ? remote.name : [],
  );
  return [...new Set(names)].flatMap((name) => {
    const refspecs = fetchRefspecs(entries, name);
    return refspecs.length === 0 ? [] : [{ name, own: refspecs.some(isWhole) }];
  });
}

/**
 * Whether a repository carries what a client knows by this URL: the URL is one of `mirrorList.canonical`, or of one of its
 * remotes, as written or as `url.<base>.insteadOf` has it, however it is spelt (repositoryKey()).
 */
export function carries(url: string, canonical: readonly string[], entries: readonly ConfigEntry[]): boolean {
  const key = repositoryKey(url);
  const isCanonical = canonical.some((one) => repositoryKey(one) === key);
  return isCanonical || remoteUrls(entries).some((remote) => isNamedBy(remote.url, key, entries));
}

/**
 * The URLs that a repository carries, to be told to those who asked for another one: `mirrorList.canonical`, and those of
 * the remotes that it fetches from. A remote that is only pushed to is not carried.
 */
export function carriedUrls(canonical: readonly string[], entries: readonly ConfigEntry[]): string[] {
  const fetched = remoteUrls(entries).filter(({ name }) => fetchRefspecs(entries, name).length > 0);
  const remotes = fetched
    .map(({ url }) => withoutLogin(withoutPrefix(rewriteUrl(entries, url))))
    .filter((url) => isForOthers(url) && redactUrl(url) === url);
  return [...new Set([...canonical, ...remotes])];
}
