import { isAbsolute, resolve } from 'node:path';
import { GamError } from '../errors.ts';
import { redactUrl } from '../protocol/redact.ts';
import type { Mirror } from './mirror.ts';
import { judgeMirrorUrl } from './refusal.ts';

/** What the rules need to know about the machine. */
export interface Surroundings {
  cwd: string;
  isFolder: (path: string) => boolean;
}

function refused(url: string, why: string, suggestion: string): GamError {
  const shown = redactUrl(url);
  return new GamError('mirror-refused', `${shown} cannot be a mirror: ${why}`, { url: shown, suggestion });
}

/**
 * Judges a mirror URL that a user typed and returns what to store: the URL itself, or the absolute path of
 * a local folder, since a relative one would mean another place for every folder git is run in.
 * @throws GamError `mirror-refused`
 */
export function storedMirrorUrl(typed: string, { cwd, isFolder }: Surroundings): string {
  const { parsed, refusal } = judgeMirrorUrl(typed);
  if (parsed === null) {
    const plain = redactUrl(typed);
    throw refused(
      typed,
      refusal,
      /^[a-z]+:\/\/[^/?#]*@/i.test(typed) && plain !== typed
        ? `add ${plain} and leave the login to a credential helper (git help credentials)`
        : 'give an http, https, ssh or git URL, or the path of a folder',
    );
  }
  if (parsed.kind !== 'file' || typed.startsWith('file:') || isAbsolute(typed)) return typed;
  const path = resolve(cwd, typed);
  if (!isFolder(path)) throw refused(typed, 'no such folder here', 'give a URL or the path of a folder');
  return path;
}

/** Finds the mirror that a user means: by its URL, by the URL as gam shows it, or by its site. */
export function findMirror(mirrors: readonly Mirror[], named: string): Mirror | undefined {
  return (
    mirrors.find((mirror) => mirror.url === named) ??
    mirrors.find((mirror) => redactUrl(mirror.url) === named) ??
    mirrors.find((mirror) => mirror.site === named)
  );
}
