import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';

/** What git's web transport may be told that makes no difference to whom it talks to, or what it shows of itself. */
const HARMLESS = new Set([
  'cookiefile',
  'delegation',
  'emptyauth',
  'extraheader',
  'followredirects',
  'lowspeedlimit',
  'lowspeedtime',
  'maxrequests',
  'minsessions',
  'noepsv',
  'postbuffer',
  'proactiveauth',
  'savecookies',
  'useragent',
  'version',
]);

const TELLING = /^(?:(?:all|https?)_proxy|git_ssl_.*|git_proxy_.*|ssl_cert_(?:file|dir)|curl_.*)$/i;

/**
 * Whether git would talk to a web mirror just as any client does: no proxy, no certificate, no login that the user
 * has set up. Where it would not, only git itself can tell how the mirror serves.
 */
export function isPlainWeb(entries: readonly ConfigEntry[], env: Environment): boolean {
  const set = Object.entries(env).some(([name, value]) => value && TELLING.test(name));
  return !(
    set ||
    entries.some(
      ({ section, subsection, name }) =>
        (section === 'http' && (!HARMLESS.has(name) || (name === 'extraheader' && subsection !== null))) ||
        (section === 'credential' && name === 'helper' && subsection !== null) ||
        (section === 'remote' && name === 'proxy'),
    )
  );
}
