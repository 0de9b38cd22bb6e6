import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import type { FileUrl, GitUrl } from '../protocol/git-url.ts';
import { isTransportAllowed, transportName } from '../transport/allowed.ts';

/** What git checks of a URL before it uses it, and cannot behind `mirror::`. */
export interface CanonicalCheck {
  url: string;
  parsed: GitUrl;
  entries: readonly ConfigEntry[];
  env: Environment;
  cwd: string;
}

/**
 * Does for the canonical URL what git would have done for a plain one.
 * @returns a warning in git's words, or null
 * @throws GamError in git's words where git would have died
 */
export function checkCanonical({ url, parsed, entries, env, cwd }: CanonicalCheck): string | null {
  const transport = transportName(parsed);
  if (!isTransportAllowed(transport, entries, env)) {
    throw new GamError('transport-not-allowed', `transport '${transport}' not allowed`);
  }
  if (parsed.kind === 'file' && isEmptyCloneOf(parsed, env, cwd)) {
    throw new GamError('bad-url', `repository '${url}' does not exist`);
  }
  return checkCredentials(url, entries);
}

// `git clone mirror::./x` makes the folder x before it starts the helper: a path that led nowhere leads to
// the very clone then, and git would clone emptiness from itself.
function isEmptyCloneOf(url: FileUrl, env: Environment, cwd: string): boolean {
  const named = env['GIT_DIR'];
  if (named === undefined) return false;
  const gitDir = resolve(cwd, named);
  const place = resolve(cwd, url.path);
  if (gitDir !== place && gitDir !== join(place, '.git')) return false;
  const heads = join(gitDir, 'refs/heads');
  return !existsSync(join(gitDir, 'packed-refs')) && existsSync(heads) && readdirSync(heads).length === 0;
}

// git-config(1), "transfer.credentialsInUrl".
function checkCredentials(url: string, entries: readonly ConfigEntry[]): string | null {
  const policy = lastValue(entries, 'transfer', null, 'credentialsinurl') ?? 'allow';
  const [, before, after] = /^([a-z0-9+.-]+:\/\/[^/?#:@]*:)[^/?#]*(@.*)$/is.exec(url) ?? [];
  if (policy === 'allow' || before === undefined) return null;
  const message = `URL '${before}<redacted>${after}' uses plaintext credentials`;
  if (policy === 'warn') return message;
  const unknown = `unrecognized value transfer.credentialsInUrl: '${policy}'`;
  throw new GamError('bad-config', policy === 'die' ? message : unknown);
}
