import type { Environment } from '../git/environment.ts';

/** Whether a host is exempt from proxies (curl(1), "no_proxy"): by its name, by a domain it lies in, or by `*`. */
export function isExempt(host: string, list: string): boolean {
  const name = host.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  const words = list
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  return words.some((word) => {
    const domain = word.replace(/^\.|^\[|\]$/g, '');
    return word === '*' || name === domain || (domain !== '' && name.endsWith(`.${domain}`));
  });
}

/** A proxy as it was named, and what names it: a setting, or a variable of the environment. */
export interface Proxy {
  value: string;
  from: string;
}

/**
 * The proxy that git would use for a web server (git-config(1), "http.proxy"; curl(1), "Environment"); null for none.
 *
 * @param configured what the configuration says, the first of them counting; an empty value means none
 */
export function chooseProxy(url: URL, configured: readonly Proxy[], env: Environment): Proxy | null {
  if (isExempt(url.hostname, env['no_proxy'] ?? env['NO_PROXY'] ?? '')) return null;
  const own = url.protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy'];
  const named = [...own, 'all_proxy', 'ALL_PROXY'].flatMap((from): Proxy[] => {
    const value = env[from];
    return value === undefined ? [] : [{ value, from }];
  });
  const [first] = [...configured, ...named];
  return first === undefined || first.value === '' ? null : first;
}
