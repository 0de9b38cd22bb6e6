import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ConfigEntry, parseBoolean } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import { settingsForUrl } from '../git/url-settings.ts';
import { hasCookieFor } from './cookie-file.ts';
import type { Credential } from './shown.ts';
import { keyOf, sinceEmptied } from './web-headers.ts';

/** What git's web helper is started with. */
export interface WebSurroundings {
  /** All of its configuration. */
  entries: readonly ConfigEntry[];
  env: Environment;
  cwd: string;
  /** How git calls itself, `git/2.39.5`. */
  agent: string;
  /** The remote it is told of, whose `remote.<name>.proxy` counts; null for none. */
  remote: string | null;
}

/** Who is asked for a login that nothing else has (prompt.c, git_prompt(); credential(7)). */
export function prompts(entries: readonly ConfigEntry[], env: Environment): Credential[] {
  const askPass = entries.findLast(({ section, name }) => section === 'core' && name === 'askpass');
  const programs: [from: string, value: string | null | undefined][] = [
    ['GIT_ASKPASS', env['GIT_ASKPASS']],
    ['core.askPass', askPass?.value],
    ['SSH_ASKPASS', env['SSH_ASKPASS']],
  ];
  const [from, program] = programs.find(([, value]) => value !== undefined) ?? [];
  if (from !== undefined && program) return [{ kind: 'prompt', from, sent: 'asked' }];
  const asks = parseBoolean(env['GIT_TERMINAL_PROMPT'] ?? 'true') ?? true;
  return asks ? [{ kind: 'prompt', from: 'terminal', sent: 'asked' }] : [];
}

/**
 * Whether a setting for part of a URL, `credential.<host>.helper`, is for this one: such a scope is none of git's URLs, and
 * what it names must be the same (credential.c, match_partial_url()).
 */
function isPartlyFor(scope: string, { pathname, host }: URL): boolean {
  const slash = scope.indexOf('/');
  const [named, path] = slash < 0 ? [scope, ''] : [scope.slice(0, slash), scope.slice(slash)];
  return named.replace(/^[^@]*@/, '') === host && (path === '' || path === '/' || path === pathname);
}

/** The credential helpers that git would ask, in their order. */
export async function helpers(url: URL, { entries, env, cwd }: WebSurroundings): Promise<ConfigEntry[]> {
  const named = entries.flatMap((entry): ConfigEntry[] => {
    if (entry.section !== 'credential' || entry.name !== 'helper') return [];
    if (entry.subsection === null || entry.subsection.includes('://')) return [entry];
    return isPartlyFor(entry.subsection, url) ? [{ ...entry, subsection: null }] : [];
  });
  const taken = await settingsForUrl(withoutPassword(url), named, 'all', { env, cwd });
  return sinceEmptied(taken.get('helper') ?? []);
}

/** A URL as it may stand among arguments, which everybody on a machine can read. */
export function withoutPassword(url: URL): string {
  const plain = new URL(url);
  plain.password = '';
  return plain.href;
}

/** The cookies that libcurl would send of http.cookieFile. */
export function cookies(
  file: ConfigEntry | undefined,
  url: URL,
  { env, cwd }: WebSurroundings,
): Credential[] {
  const named = file?.value?.replace(/^~(?=\/)/, env['HOME'] ?? '~') ?? '';
  const path = resolve(cwd, named);
  if (file === undefined || named === '' || !existsSync(path)) return [];
  if (!hasCookieFor(readFileSync(path, 'utf8'), url.href, Date.now())) return [];
  return [{ kind: 'cookie', from: keyOf(file), sent: 'always' }];
}
