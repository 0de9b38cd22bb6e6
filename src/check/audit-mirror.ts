import type { ConfigEntry } from '../config/entries.ts';
import { webAccess } from '../download/web-access.ts';
import { requestHeaders } from '../download/web-file.ts';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import type { Environment } from '../git/environment.ts';
import { isBundleUrl } from '../mirror/bundle.ts';
import type { GitUrl } from '../protocol/git-url.ts';
import { isTransportAllowed, transportName } from '../transport/allowed.ts';
import { barring } from '../transport/barring.ts';
import { NOTHING_SHOWN, type Shown } from '../transport/shown.ts';
import { mirrorEnvironment, webMirrorConfig } from '../transport/wall.ts';
import { shownTo } from './audit-shown.ts';

/** What is to be told of a mirror whose URL is in order. */
interface Looked {
  service: 'git' | 'bundle';
  /** Why it is not contacted all the same. */
  barred: string | null;
  shown: Shown;
}

interface Around {
  entries: readonly ConfigEntry[];
  env: Environment;
  cwd: string;
}

// What node's own client adds to the headers that a download asks with; the validator stands for any.
function shownToDownload(): Shown {
  const named = requestHeaders({ from: 0, to: null }, null);
  const later = Object.keys(requestHeaders({ from: 1, to: null }, '"tag"')).filter(
    (name) => !(name in named),
  );
  return {
    ...NOTHING_SHOWN,
    headers: [
      ...['Host', 'Connection', ...Object.keys(named)].map((name) => ({ name, from: null, always: true })),
      ...later.map((name) => ({ name, from: null, always: false })),
    ],
    userAgent: named['User-Agent'] ?? null,
  };
}

async function bundleShows(url: string, parsed: GitUrl, { entries, env, cwd }: Around): Promise<Looked> {
  const name = transportName(parsed);
  const looked = (barred: string | null): Looked => ({ service: 'bundle', barred, shown: shownToDownload() });
  if (!isTransportAllowed(name, entries, env)) return looked(`transport '${name}' not allowed`);
  try {
    await webAccess(url, env, cwd);
    return looked(null);
  } catch (error) {
    if (error instanceof GamError) return looked(error.message);
    throw error;
  }
}

/**
 * What a mirror would be shown: as canonical, but with the environment and the settings that the wall makes for it, which
 * git itself lays over the user's. A bundle's server is asked by gam.
 */
export async function mirrorShows(
  url: string,
  parsed: GitUrl,
  agent: string,
  around: Around,
): Promise<Looked> {
  const { entries, env, cwd } = around;
  if (isBundleUrl(url, entries)) return bundleShows(url, parsed, around);
  const barred =
    parsed.kind === 'web' && !URL.canParse(url) ? 'no such host can be' : barring(parsed, entries, env);
  if (barred !== null) return { service: 'git', barred, shown: NOTHING_SHOWN };
  const config = parsed.kind === 'web' ? webMirrorConfig(parsed, entries) : { args: [], env: {} };
  const own = { ...mirrorEnvironment(env), ...config.env };
  const behind = config.args.length > 0 ? await readConfig({ env: own, cwd }, config.args) : entries;
  const shown = await shownTo(parsed, { entries: behind, env: own, cwd, agent, remote: null });
  return { service: 'git', barred, shown };
}
