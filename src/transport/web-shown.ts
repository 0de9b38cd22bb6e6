import type { ConfigEntry } from '../config/entries.ts';
import { settingsForUrl } from '../git/url-settings.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { netrcEntry } from './netrc.ts';
import { protocolVersion } from './protocol-version.ts';
import { chooseProxy, type Proxy } from './proxy.ts';
import type { Credential, Shown } from './shown.ts';
import { keyOf, ownHeaders, sinceEmptied, withExtra } from './web-headers.ts';
import { cookies, helpers, prompts, type WebSurroundings, withoutPassword } from './web-logins.ts';

function proxyOf(
  url: URL,
  taken: ReadonlyMap<string, ConfigEntry[]>,
  around: WebSurroundings,
): Shown['proxy'] {
  const { entries, env, remote } = around;
  const named = (list: readonly ConfigEntry[]): Proxy[] =>
    list.slice(-1).map((entry) => ({ value: entry.value ?? '', from: keyOf(entry) }));
  const ofRemote = entries.filter(
    (e) => e.section === 'remote' && e.subsection === remote && e.name === 'proxy',
  );
  const chosen = chooseProxy(url, [...named(ofRemote), ...named(taken.get('proxy') ?? [])], env);
  if (chosen === null) return null;
  // libcurl takes one without a scheme for http (curl, CURLOPT_PROXY).
  const whole = chosen.value.includes('://') ? chosen.value : `http://${chosen.value}`;
  return { url: redactUrl(whole), from: chosen.from, login: /:\/\/[^/]*@/.test(whole) };
}

/**
 * What a web server is shown when git's web helper talks to it with this configuration and environment: for canonical those
 * of the user, for a mirror those that the wall makes of them. Files are looked at, and git is asked which settings it
 * takes for the URL; nobody is contacted, no helper is asked, and no value of anything secret is returned.
 */
export async function shownToWeb(web: WebUrl, around: WebSurroundings): Promise<Shown> {
  const { entries, env, cwd, agent } = around;
  const url = new URL(web.url);
  const http = entries.filter(({ section }) => section === 'http');
  const taken = await settingsForUrl(withoutPassword(url), http, 'best-first', { env, cwd });
  const last = (name: string) => taken.get(name)?.at(-1);
  const version = protocolVersion(entries, env, 'git-upload-pack');
  const extra = withExtra(ownHeaders(version, env), sinceEmptied(taken.get('extraheader') ?? []));
  // git 2.46 and newer send a login before they are asked for one then (git-config(1), "http.proactiveAuth").
  const proactive = !['none', ''].includes(last('proactiveauth')?.value ?? 'none');
  const sent = proactive ? 'always' : 'asked';
  const netrc = netrcEntry(env, url.hostname.toLowerCase());
  const certificate = env['GIT_SSL_CERT']
    ? 'GIT_SSL_CERT'
    : last('sslcert')?.value && keyOf(last('sslcert') as ConfigEntry);
  const logins: Credential[] = [
    ...(url.username === '' && url.password === '' ? [] : [{ kind: 'url', from: 'URL', sent } as const]),
    ...(netrc === null ? [] : [{ kind: 'netrc', from: `.netrc (${netrc})`, sent: 'asked' } as const]),
    ...(await helpers(url, around)).map(
      (entry): Credential => ({ kind: 'helper', from: keyOf(entry), sent }),
    ),
    ...prompts(entries, env),
  ];
  const jar = cookies(last('cookiefile'), url, around);
  const { headers } = extra;
  if (logins.length > 0) headers.push({ name: 'Authorization', from: null, always: false });
  for (const { from } of jar) headers.push({ name: 'Cookie', from, always: true });
  const named = env['GIT_HTTP_USER_AGENT'] ?? last('useragent')?.value ?? agent;
  const own = headers.some(({ name, from }) => from === null && name === 'User-Agent');
  return {
    credentials: [
      ...extra.from.map((from): Credential => ({ kind: 'header', from, sent: 'always' })),
      ...jar,
      ...logins,
      ...(certificate && url.protocol === 'https:'
        ? [{ kind: 'certificate', from: certificate, sent: 'asked' } as const]
        : []),
    ],
    headers,
    proxy: proxyOf(url, taken, around),
    userAgent: own ? printable(named) : null,
  };
}
