import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
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

/** A header of libcurl's that a user names is the user's: `Name: value`; `Name;` is an empty one, `Name:` takes it away. */
export function withExtra(own: readonly Header[], extra: readonly ConfigEntry[]): Header[] {
  let headers = [...own];
  for (const entry of extra) {
    const [, name = '', rest = ''] = /^\s*([^:;]*?)\s*([:;].*)?$/s.exec(entry.value ?? '') ?? [];
    headers = headers.filter(
      (other) => other.from !== null || other.name.toLowerCase() !== name.toLowerCase(),
    );
    if (name !== '' && !/^:\s*$/.test(rest))
      headers.push({ name: printable(name, 60), from: keyOf(entry), always: true });
  }
  return headers;
}
