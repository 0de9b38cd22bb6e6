import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import type { WebUrl } from '../protocol/git-url.ts';

// What git holds on to when it talks to the web and must not carry to a mirror. Redirects are refused
// because git re-bases on one and then sends the Authorization header to the new host with the POST
// (seen on git 2.39.5, also for a header scoped to the first host).
const WITHHELD: readonly [string, string][] = [
  ['http.extraHeader', ''],
  ['http.followRedirects', 'false'],
  ['http.cookieFile', ''],
  ['http.saveCookies', 'false'],
  ['http.emptyAuth', 'false'],
  ['http.delegation', 'none'],
  ['http.proactiveAuth', 'none'],
  ['credential.helper', ''],
  ['core.askPass', ''],
];

interface Scope {
  scheme: string;
  host: string;
  port: string;
}

function scopeOf(url: string): Scope | null {
  const match = /^(https?):\/\/(?:[^@/]*@)?([^/:]*|\[[^\]]*\])(?::([0-9]+))?(?:[/?#]|$)/i.exec(url);
  if (!match) return null;
  const scheme = (match[1] ?? '').toLowerCase();
  const port = match[3] ?? (scheme === 'https' ? '443' : '80');
  return { scheme, host: (match[2] ?? '').toLowerCase(), port };
}

function isSame(a: Scope, b: Scope): boolean {
  return a.scheme === b.scheme && a.host === b.host && a.port === b.port;
}

// git-config(1), "http.<url>.*": a `*` in a host name stands for one label.
function takesIn(scope: Scope, url: Scope): boolean {
  const labels = scope.host
    .split('.')
    .map((label) => (label === '*' ? '[^.]*' : label.replace(/[^\w-]/g, '\\$&')));
  return (
    scope.scheme === url.scheme &&
    scope.port === url.port &&
    new RegExp(`^${labels.join('\\.')}$`).test(url.host)
  );
}

function scoped(
  entries: readonly ConfigEntry[],
  section: string,
  name: string,
): { key: string; value: string }[] {
  return entries
    .filter((e) => e.section === section && e.name === name && e.subsection !== null)
    .map((e) => ({ key: e.subsection as string, value: e.value ?? '' }));
}

// `default` in a .netrc is a login for every host that has none of its own, so also for a mirror.
function netrcOffers(env: Environment, host: string): boolean {
  const path = join(env['HOME'] ?? '', '.netrc');
  if (env['HOME'] === undefined || !existsSync(path)) return false;
  const words = readFileSync(path, 'utf8')
    .replace(/^\s*macdef[^\n]*\n(?:[^\n]+\n)*/gm, '')
    .split(/\s+/);
  const own = words.some((word, index) => word === 'machine' && words[index + 1]?.toLowerCase() === host);
  return !own && words.includes('default');
}

/**
 * Why a web mirror must be refused lest it see a credential that is not its own; null when it need not.
 * A header scoped by a pattern (`http.https://*.example.com/.extraHeader`) is meant for the hosts its
 * author had in mind, and git would send it to the mirror all the same.
 */
export function credentialRefusal(
  url: WebUrl,
  entries: readonly ConfigEntry[],
  env: Environment,
): string | null {
  const mirror = scopeOf(url.url);
  if (!mirror) return 'not a web URL';
  for (const { key } of scoped(entries, 'http', 'extraheader')) {
    const scope = scopeOf(key);
    if (scope && !isSame(scope, mirror) && takesIn(scope, mirror)) {
      return `http.${key}.extraHeader, meant for other hosts, would be sent to it`;
    }
  }
  if (netrcOffers(env, mirror.host)) return 'the default login of .netrc would be sent to it';
  return null;
}

/**
 * The `git -c` arguments for a web mirror: everything that could carry a credential or lead elsewhere is
 * off, but for the credential helpers that the user scoped to exactly this host.
 */
export function webMirrorConfig(url: WebUrl, entries: readonly ConfigEntry[]): string[] {
  const mirror = scopeOf(url.url);
  const own = scoped(entries, 'credential', 'helper').filter(({ key }) => {
    const scope = scopeOf(key);
    return mirror !== null && scope !== null && isSame(scope, mirror);
  });
  const settings: (readonly [string, string])[] = [
    ...WITHHELD,
    // The most specific scope wins in git, so say it for the very URL, too. `git -c` splits at the first `=`.
    ...(url.url.includes('=') ? [] : ([[`http.${url.url}.followRedirects`, 'false']] as const)),
    ...own
      .filter(({ key }) => !key.includes('='))
      .map(({ key, value }) => [`credential.${key}.helper`, value] as const),
  ];
  return settings.flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

/** The environment of every process that talks to a mirror: nothing asks, nothing is fetched on demand. */
export function mirrorEnvironment(env: Environment): Environment {
  return {
    ...env,
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '',
    SSH_ASKPASS: '',
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_NO_LAZY_FETCH: '1',
    GIT_PROTOCOL_FROM_USER: '0',
    // A compressed answer can unpack to any size; git dies instead of filling the memory.
    GIT_ALLOC_LIMIT: '512m',
  };
}
