import { posix } from 'node:path';
import { allValues, type ConfigEntry } from '../config/entries.ts';
import { printable } from '../protocol/text.ts';
import { judgeMirrorUrl } from './refusal.ts';

/** Names that are given to bundles, and to lists of them. */
const NAMED_SO = /(?:\.bundle|[./]bundle-?list)$/i;

function pathOf(url: string): string {
  return /^[a-z]+:\/\/[^/?#]*([^?#]*)/i.exec(url)?.[1] ?? '';
}

/**
 * Whether a web URL is of a bundle, or of a list of them, rather than of a git server. It must be known before anything is
 * asked, since to try both would cost every mirror a round trip: the name tells (`x.bundle`, `bundle-list`, `x.bundle-list`),
 * or else `gam.bundleUrl`, which says so for a URL and for all below it.
 */
export function isBundleUrl(url: string, entries: readonly ConfigEntry[]): boolean {
  if (!/^https?:\/\//i.test(url)) return false;
  if (NAMED_SO.test(pathOf(url))) return true;
  const bases = allValues(entries, 'gam', null, 'bundleurl').map((base) => base.replace(/\/+$/, ''));
  return bases.some((base) => base !== '' && (url === base || url.startsWith(`${base}/`)));
}

/** The name of the file that a URL is of: mirrors that agree in it may hold the same bundle. */
export function bundleName(url: string): string {
  return posix.basename(pathOf(url));
}

/** Where a bundle of a list is, or why it must not be asked for, in a few words. */
export type Listed = { place: string; refusal: null } | { place: null; refusal: string };

function refused(why: string): Listed {
  return { place: null, refusal: why };
}

function besideUrl(list: string, uri: string): Listed {
  const base = new URL(list);
  const folder = base.pathname.replace(/[^/]*$/, '');
  if (!URL.canParse(uri, list)) return refused('is no URL');
  const { protocol, host, username, password, pathname, search } = new URL(uri, list);
  if (protocol !== base.protocol || host !== base.host) return refused('is on another host than its list');
  // Encoded slashes are slashes to some servers only, behind this very check.
  if (username !== '' || password !== '' || !pathname.startsWith(folder) || /%(?:2f|5c)/i.test(pathname))
    return refused('is not below its list');
  return { place: `${protocol}//${host}${pathname}${search}`, refusal: null };
}

function besideFile(list: string, uri: string): Listed {
  const strange =
    posix.isAbsolute(uri) || /^[a-z][a-z0-9+.-]*:|\\/i.test(uri) || uri.split('/').includes('..');
  if (strange || uri === '') return refused('is not below its list');
  return { place: posix.join(posix.dirname(list), uri), refusal: null };
}

/**
 * Where a bundle is that a list names. A list may come from anyone who can write to a web server, so it leads nowhere
 * but below the folder that it lies in itself: to no other host, and to no file of this machine.
 *
 * @param list the URL of the list, or the path of one that is a file here
 * @param uri as the list has it
 */
export function listedPlace(list: string, uri: string): Listed {
  if (printable(uri, Number.POSITIVE_INFINITY) !== uri) return refused('has control characters in its URL');
  if (!/^https?:\/\//i.test(list)) return besideFile(list, uri);
  const found = besideUrl(list, uri);
  const verdict = found.place === null ? null : judgeMirrorUrl(found.place).refusal;
  return verdict === null ? found : refused(verdict);
}
