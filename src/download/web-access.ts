import { readFile } from 'node:fs/promises';
import type { AgentOptions } from 'node:https';
import { join } from 'node:path';
import { allValues, type ConfigEntry, lastValue, parseBoolean, parseConfigList } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { gitOutput } from '../git/run.ts';
import { chooseProxy } from '../transport/proxy.ts';

/** How a web server may be reached: what goes into an agent of node. */
export type WebAccess = Pick<AgentOptions, 'ca' | 'rejectUnauthorized'>;

/** What git's http settings can ask for and node's client cannot do, or not in the same way. */
const BEYOND = [
  'sslcapath',
  'sslversion',
  'sslcipherlist',
  'pinnedpubkey',
  'curloptresolve',
  'schannelusesslcainfo',
];

function declined(what: string): GamError {
  return new GamError('mirror-unusable', `${what} is set for it, which downloads cannot obey`, {
    tryElsewhere: true,
  });
}

async function certificates(entries: readonly ConfigEntry[], env: Environment): Promise<WebAccess> {
  const value = (name: string) => lastValue(entries, 'http', null, name);
  const verify =
    env['GIT_SSL_NO_VERIFY'] === undefined && parseBoolean(value('sslverify') ?? 'true') !== false;
  const beyond = env['GIT_SSL_CAPATH'] ? 'sslcapath' : BEYOND.find((name) => value(name));
  if (beyond !== undefined) throw declined(`http.${beyond}`);
  const file = (env['GIT_SSL_CAINFO'] ?? value('sslcainfo') ?? '').replace(/^~(?=\/)/, env['HOME'] ?? '~');
  if (file === '') return { rejectUnauthorized: verify };
  const ca = await readFile(join(file)).catch((cause: unknown) => {
    throw new GamError('mirror-unusable', 'http.sslCAInfo cannot be read', { tryElsewhere: true, cause });
  });
  return { rejectUnauthorized: verify, ca };
}

/**
 * How git's configuration wants a web server to be reached, as far as it can be obeyed here: http.sslVerify,
 * http.sslCAInfo and their variables are. A proxy is not.
 *
 * @throws GamError `mirror-unusable` when something else is asked for: to go another way than the user wants would be worse
 *   than not to go
 */
export async function webAccess(url: string, env: Environment, cwd: string): Promise<WebAccess> {
  const text = await gitOutput(['config', '-z', '--get-urlmatch', 'http', url], { env, cwd }).catch(() => '');
  const entries = parseConfigList(text);
  const parsed = new URL(url);
  const proxies = allValues(entries, 'http', null, 'proxy').map((value) => ({ value, from: 'http.proxy' }));
  if (chooseProxy(parsed, proxies, env) !== null) throw declined('a proxy');
  return parsed.protocol === 'https:' ? certificates(entries, env) : {};
}
