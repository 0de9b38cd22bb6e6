import { type ConfigEntry, lastValue, parseBoolean } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import type { GitUrl } from '../protocol/git-url.ts';

const ALWAYS = new Set(['http', 'https', 'git', 'ssh']);

/** The name that `protocol.<name>.allow` and GIT_ALLOW_PROTOCOL know a URL's transport by. */
export function transportName(url: GitUrl): string {
  return url.kind === 'web' ? url.scheme : url.kind;
}

/**
 * Whether git itself would open this transport here (git-config(1), "protocol.allow"; git(1),
 * GIT_ALLOW_PROTOCOL and GIT_PROTOCOL_FROM_USER). git judges only `mirror`, so behind it the helper stands
 * alone between a `.gitmodules` and the transports that the user has closed.
 */
export function isTransportAllowed(name: string, entries: readonly ConfigEntry[], env: Environment): boolean {
  const list = env['GIT_ALLOW_PROTOCOL'];
  if (list !== undefined) return list.split(':').includes(name);
  const policy =
    lastValue(entries, 'protocol', name, 'allow') ??
    lastValue(entries, 'protocol', null, 'allow') ??
    (ALWAYS.has(name) ? 'always' : 'user');
  if (policy.toLowerCase() === 'user') return parseBoolean(env['GIT_PROTOCOL_FROM_USER'] ?? 'true') ?? true;
  return policy.toLowerCase() === 'always';
}
