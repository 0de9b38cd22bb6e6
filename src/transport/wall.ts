import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { type Environment, NO_PROMPTS } from '../git/environment.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import { netrcEntry } from './netrc.ts';

// What git holds on to when it talks to the web and must not carry to a mirror. Redirects are refused
// because git re-bases on one and then sends the Authorization header to the new host with the POST
// (seen on git 2.39.5, also for a header scoped to the first host).
const WITHHELD: readonly [string, string][] = [
  ['extraHeader', ''],
  ['followRedirects', 'false'],
  ['cookieFile', ''],
  ['saveCookies', 'false'],
  ['emptyAuth', 'false'],
  ['delegation', 'none'],
  ['proactiveAuth', 'none'],
];

/** A setting for one git command. */
interface Setting {
  key: string;
  value: string;
}

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

function scoped(entries: readonly ConfigEntry[], section: string, name: string): Setting[] {
  return entries
    .filter((e) => e.section === section && e.name === name && e.subsection !== null)
    .map((e) => ({ key: e.subsection as string, value: e.value ?? '' }));
}

function isOwn({ key }: Setting, mirror: Scope): boolean {
  const scope = scopeOf(key);
  return scope !== null && isSame(scope, mirror);
}

/** The scope that a setting was written for, when it takes in a mirror that it was not written for. */
function strayScope(settings: readonly Setting[], mirror: Scope): string | undefined {
  return settings.find(({ key }) => {
    const scope = scopeOf(key);
    return scope !== null && !isSame(scope, mirror) && takesIn(scope, mirror);
  })?.key;
}

// A certificate tells who we are to whoever asks for one, and a mirror may ask.
function showsCertificate(entries: readonly ConfigEntry[], env: Environment, mirror: Scope): boolean {
  if (mirror.scheme !== 'https') return false;
  if (env['GIT_SSL_CERT']) return true;
  const certificates = scoped(entries, 'http', 'sslcert');
  if (certificates.some((setting) => isOwn(setting, mirror))) return false;
  return Boolean(lastValue(entries, 'http', null, 'sslcert') ?? strayScope(certificates, mirror));
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
  const stray = strayScope(scoped(entries, 'http', 'extraheader'), mirror);
  if (stray !== undefined) return `http.${stray}.extraHeader, meant for other hosts, would be sent to it`;
  if (showsCertificate(entries, env, mirror))
    return 'the client certificate, meant for other hosts, would be shown to it';
  // `default` in a .netrc is a login for anybody, so also for a mirror.
  if (netrcEntry(env, mirror.host) === 'default') return 'the default login of .netrc would be sent to it';
  return null;
}

// git takes a value of a scope only until one of a scope that fits better has come, so that an empty general
// value behind the mirror's own clears nothing. Each own scope therefore starts afresh; shorter ones first.
function ownHeaders(entries: readonly ConfigEntry[], mirror: Scope): Setting[] {
  const own = scoped(entries, 'http', 'extraheader').filter((setting) => isOwn(setting, mirror));
  const keys = [...new Set(own.map(({ key }) => key))].sort((a, b) => a.length - b.length);
  return keys
    .flatMap((key) => [{ key, value: '' }, ...own.filter((setting) => setting.key === key)])
    .map(({ key, value }) => ({ key: `http.${key}.extraHeader`, value }));
}

function webMirrorSettings(url: WebUrl, entries: readonly ConfigEntry[]): Setting[] {
  const mirror = scopeOf(url.url);
  if (!mirror) return [];
  const headers = ownHeaders(entries, mirror);
  // The most specific scope wins in git, so everything is said for the very URL, too.
  const veryUrl = WITHHELD.filter(([name]) => name !== 'extraHeader' || headers.length === 0);
  return [
    ...WITHHELD.map(([name, value]) => ({ key: `http.${name}`, value })),
    ...veryUrl.map(([name, value]) => ({ key: `http.${url.url}.${name}`, value })),
    ...headers,
    { key: 'core.askPass', value: '' },
    { key: 'credential.helper', value: '' },
    ...scoped(entries, 'credential', 'helper')
      .filter((setting) => isOwn(setting, mirror))
      .map(({ key, value }) => ({ key: `credential.${key}.helper`, value })),
  ];
}

/**
 * The arguments of git for a web mirror, and the environment that they need: everything that could carry a
 * credential or lead elsewhere is off, but for the headers and the credential helpers that the user scoped
 * to exactly this host. What is the user's own goes through the environment, since everybody on a machine
 * can read arguments; and `git -c` splits at the first `=`, which a URL may hold.
 */
export function webMirrorConfig(
  url: WebUrl,
  entries: readonly ConfigEntry[],
): { args: string[]; env: Environment } {
  const env: Record<string, string> = {};
  const args = webMirrorSettings(url, entries).flatMap(({ key, value }, index) => {
    const plain = value === '' || WITHHELD.some(([, withheld]) => withheld === value);
    if (plain && !key.includes('=')) return ['-c', `${key}=${value}`];
    const name = `GAM_SETTING_${index}`;
    env[name] = value;
    return [`--config-env=${key}=${name}`];
  });
  return { args, env };
}

/** The environment of every process that talks to a mirror: nothing asks, nothing is fetched on demand. */
export function mirrorEnvironment(env: Environment): Environment {
  return {
    ...env,
    ...NO_PROMPTS,
    GIT_NO_LAZY_FETCH: '1',
    GIT_PROTOCOL_FROM_USER: '0',
    // A compressed answer can unpack to any size; git dies instead of filling the memory.
    GIT_ALLOC_LIMIT: '512m',
  };
}
