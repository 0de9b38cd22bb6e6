import { statSync } from 'node:fs';
import type { ConfigEntry } from '../config/entries.ts';
import { bundleName, isBundleUrl } from '../mirror/bundle.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { parseGitUrl } from '../protocol/git-url.ts';

/**
 * Whether a mirror is a bundle, or a list of bundles, rather than a git server: on the web by its URL (see isBundleUrl()),
 * here by being a plain file, which no repository is.
 */
export function isBundleMirror({ url, refusal }: Mirror, entries: readonly ConfigEntry[]): boolean {
  if (refusal !== null) return false;
  const parsed = parseGitUrl(url);
  if (parsed.kind !== 'file') return isBundleUrl(url, entries);
  try {
    return statSync(parsed.path).isFile();
  } catch {
    return false;
  }
}

/** The first of these mirrors, a bundle, and those after it that may hold the same one, by its name. */
export function withSameBundle(mirrors: readonly Mirror[], entries: readonly ConfigEntry[]): Mirror[] {
  const [first, ...others] = mirrors;
  if (first === undefined) return [];
  const onWeb = ({ refusal, url }: Mirror) => refusal === null && isBundleUrl(url, entries);
  if (!onWeb(first)) return [first];
  return [first, ...others.filter((one) => onWeb(one) && bundleName(one.url) === bundleName(first.url))];
}
