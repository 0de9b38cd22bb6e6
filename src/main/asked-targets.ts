import type { ConfigEntry } from '../config/entries.ts';
import { readSettings, type Settings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import { discoverRepository, needRepository } from '../git/discover.ts';
import { listTargets, type Target } from '../mirror/listing.ts';

/** Whose mirrors a command is about, and the configuration that it found. */
export interface AskedTargets {
  targets: Target[];
  entries: ConfigEntry[];
  settings: Settings;
  /** Settings that cannot be read. */
  warnings: string[];
}

/**
 * Finds whose mirrors a command is about that contacts servers: of a URL, of a remote, or of all remotes here. A base is no
 * repository: nothing can be asked of its mirrors.
 *
 * @param missing what to do where neither a URL nor a repository is there
 * @throws GamError `usage`, `unknown-remote`, `not-a-repository`
 */
export async function askedTargets(
  { url, remote }: { url?: string | undefined; remote?: string | undefined },
  where: { cwd: string },
  missing: string,
): Promise<AskedTargets> {
  if (url !== undefined && remote !== undefined)
    throw new GamError('usage', 'give a URL or --remote, not both');
  if (remote !== undefined) await needRepository(where);
  const inRepository = (await discoverRepository(where)) !== null;
  if (!inRepository && url === undefined)
    throw new GamError('usage', 'outside a repository a URL is needed', { suggestion: missing });
  const entries = await readConfig(where);
  return { targets: listTargets(entries, { inRepository, url, remote }), entries, ...readSettings(entries) };
}
