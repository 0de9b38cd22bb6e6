import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import { redactUrl } from '../protocol/redact.ts';
import type { Header } from './shown.ts';

const SPELLED: Readonly<Record<string, string>> = {
  cookiefile: 'cookieFile',
  extraheader: 'extraHeader',
  sslcert: 'sslCert',
};

/** A variable's name as a user would write it, without a login in its scope. */
export function keyOf({ section, subsection, name }: ConfigEntry): string {
  const spelled = SPELLED[name] ?? name;
  return subsection === null ? `${section}.${spelled}` : `${section}.${redactUrl(subsection)}.${spelled}`;
}

/** An empty value takes back all before it. */
export function sinceEmptied(entries: readonly ConfigEntry[]): ConfigEntry[] {
  return entries.slice(entries.map(({ value }) => value ?? '').lastIndexOf('') + 1);
}

/** What libcurl and git put into every request, or some of them (http.c, remote-curl.c). */
export function ownHeaders(version: number, env: Environment): Header[] {
  const always = ['Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'Content-Type', 'Content-Length'];
  // Where no LANGUAGE is set, a locale that is installed is named, too.
  const locale = ['LC_ALL', 'LC_MESSAGES', 'LANG'].map((name) => env[name]).find(Boolean) ?? 'C';
  const language = env['LANGUAGE'] ? 'always' : /^(?:C|POSIX)(?:\.|$)/.test(locale) ? 'never' : 'sometimes';
  return [
    ...always.map((name) => ({ name, from: null, always: true })),
    ...(version > 0 ? [{ name: 'Git-Protocol', from: null, always: true }] : []),
    ...['Pragma', 'Content-Encoding', 'Transfer-Encoding'].map((name) => ({
      name,
      from: null,
      always: false,
    })),
    ...(language === 'never' ? [] : [{ name: 'Accept-Language', from: null, always: language === 'always' }]),
  ];
}

/** A header that a user has git send, or take away. */
interface Extra {
  name: string;
  from: string;
  removes: boolean;
}

/** What may stand before the colon (RFC 9110, "Field Names"). */
const FIELD_NAME = /^[!#$%&'*+.^_`|~\w-]{1,100}$/;

// `Name: value`; `Name;` is sent empty, `Name:` takes one of libcurl's own away; what has neither mark is not sent, and may
// be a secret as a whole (curl, CURLOPT_HTTPHEADER). So may be what is no name.
function parseExtra(entry: ConfigEntry): Extra[] {
  const [, name = '', rest] = /^\s*([^:;]*?)\s*([:;].*)$/s.exec(entry.value ?? '') ?? [];
  if (rest === undefined) return [];
  return [{ name: FIELD_NAME.test(name) ? name : '?', from: keyOf(entry), removes: /^:\s*$/.test(rest) }];
}

/** Lays the headers that a user has git send (http.extraHeader) over git's own, and tells where these are from. */
export function withExtra(
  own: readonly Header[],
  entries: readonly ConfigEntry[],
): { headers: Header[]; from: string[] } {
  const extras = entries.flatMap(parseExtra);
  const named = new Set(extras.map(({ name }) => name.toLowerCase()));
  const sent = extras.filter(({ removes }) => !removes);
  return {
    headers: [
      ...own.filter(({ name }) => !named.has(name.toLowerCase())),
      ...sent.map(({ name, from }) => ({ name, from, always: true })),
    ],
    from: sent.map(({ from }) => from),
  };
}
