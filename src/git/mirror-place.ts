import type { ConfigKey } from '../config/edit.ts';
import { allValues, type ConfigEntry } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { GamError } from '../errors.ts';
import { readBase } from '../mirror/base.ts';
import { defaultRemote, needRemote } from '../mirror/listing.ts';
import { readConfig } from './config.ts';
import { readConfigFile } from './config-file.ts';
import { discoverRepository, needRepository } from './discover.ts';
import type { Environment } from './environment.ts';
import type { RunOptions } from './run.ts';
import { userConfigFile } from './user-config.ts';

/** What `--remote`, `--for` and `--global` of one command say. */
export interface PlaceFlags {
  remote?: string | undefined;
  for?: string | undefined;
  global: boolean;
}

/** Where the mirrors of one remote or one base are configured. */
export interface MirrorPlace {
  /** The config file to write. */
  file: string;
  key: ConfigKey;
  /** The remote or the base, for messages. */
  owner: string;
  /** null for a base. */
  remote: string | null;
  /** The plain URL of the remote, or the base; null when the remote is not known here. */
  canonical: string | null;
  /** All of git's configuration. */
  entries: ConfigEntry[];
  /** The mirrors that stand in `file` under `key`. */
  values: string[];
}

async function fileFor(flags: PlaceFlags, env: Environment, options: RunOptions): Promise<string> {
  const repository = await discoverRepository(options);
  const named = flags.for !== undefined || (flags.global && flags.remote !== undefined);
  if (!named) await needRepository(options);
  if (flags.global) return userConfigFile(env, options);
  if (repository !== null) return repository.configFile;
  throw new GamError('not-a-repository', 'no repository here to store this in', {
    suggestion: "give --global to store it in the user's git configuration",
  });
}

/**
 * Finds where a command reads and writes mirrors: `remote.<name>.mirrorUrl` of the named remote, of origin,
 * or of the only one; `mirror.<base>.url` with `for`. In the repository's configuration, or the user's.
 * @throws GamError `not-a-repository`, `unknown-remote`, `usage`, `bad-url` for a base that is none
 */
export async function findMirrorPlace(
  flags: PlaceFlags,
  env: Environment,
  options: RunOptions,
): Promise<MirrorPlace> {
  const base = flags.for === undefined ? null : readBase(flags.for);
  const file = await fileFor(flags, env, options);
  const entries = await readConfig(options);
  const key: ConfigKey = { section: 'mirror', subsection: base, name: 'url' };
  let [owner, canonical] = [base ?? '', base];
  if (base === null) {
    const remotes = readRemotes(entries);
    // The user's configuration may speak of a remote that only other repositories have.
    const remote =
      flags.remote === undefined
        ? defaultRemote(remotes)
        : flags.global
          ? remotes.find((other) => other.name === flags.remote)
          : needRemote(remotes, flags.remote);
    owner = remote?.name ?? flags.remote ?? '';
    canonical = remote?.canonical ?? null;
    Object.assign(key, { section: 'remote', subsection: owner, name: 'mirrorUrl' });
  }
  const own = await readConfigFile(file, options);
  const values = allValues(own, key.section, key.subsection, key.name.toLowerCase());
  return { file, key, owner, remote: base === null ? owner : null, canonical, entries, values };
}
