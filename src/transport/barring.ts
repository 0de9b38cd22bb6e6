import type { ConfigEntry } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';
import type { GitUrl } from '../protocol/git-url.ts';
import { isTransportAllowed, transportName } from './allowed.ts';
import { credentialRefusal } from './wall.ts';

/**
 * Why no line may be opened to a mirror here, although its URL is in order: its transport is closed, or it would see a
 * credential that is not its own. Null when it may be. Nobody is contacted for that.
 */
export function barring(url: GitUrl, entries: readonly ConfigEntry[], env: Environment): string | null {
  const name = transportName(url);
  if (!isTransportAllowed(name, entries, env)) return `transport '${name}' not allowed`;
  return url.kind === 'web' ? credentialRefusal(url, entries, env) : null;
}
