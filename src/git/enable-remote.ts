import { lastValue } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { GamError } from '../errors.ts';
import { holds, type Setting } from '../mirror/enabling.ts';
import { needRemote } from '../mirror/listing.ts';
import { printable } from '../protocol/text.ts';
import { readConfig } from './config.ts';
import { readConfigFile, removeConfigValue, setConfigValue } from './config-file.ts';
import { needRepository } from './discover.ts';
import type { Written } from './enable.ts';
import type { RunOptions } from './run.ts';

function setting(name: string): Setting {
  return { key: { section: 'remote', subsection: name, name: 'vcs' }, value: 'mirror' };
}

/**
 * Sends one remote of this repository through gam; its URL stays the plain one.
 * @returns what was written, null when the remote goes through gam already
 * @throws GamError `not-a-repository`, `unknown-remote`, `bad-config` when another helper has the remote
 */
export async function enableRemote(name: string, options: RunOptions): Promise<Written | null> {
  const { configFile } = await needRepository(options);
  const entries = await readConfig(options);
  const remote = needRemote(readRemotes(entries), name);
  if (remote.throughGam) return null;
  const vcs = lastValue(entries, 'remote', name, 'vcs');
  if (vcs !== undefined && vcs !== '') {
    throw new GamError('bad-config', `remote.${printable(name)}.vcs is '${printable(vcs)}'`, {
      suggestion: 'another remote helper serves this remote, and git uses one',
    });
  }
  const wanted = setting(name);
  await setConfigValue(configFile, wanted.key, wanted.value, options);
  return { ...wanted, file: configFile };
}

/**
 * Takes back what enableRemote() wrote.
 * @returns what was removed, null when nothing was there; `still` tells that the remote goes through gam
 *   all the same, by its URL or by a base
 * @throws GamError `not-a-repository`, `unknown-remote`
 */
export async function disableRemote(
  name: string,
  options: RunOptions,
): Promise<{ removed: Written | null; still: boolean }> {
  const { configFile } = await needRepository(options);
  needRemote(readRemotes(await readConfig(options)), name);
  const wanted = setting(name);
  const there = holds(await readConfigFile(configFile, options), wanted);
  if (there) await removeConfigValue(configFile, wanted.key, wanted.value, options);
  const after = needRemote(readRemotes(await readConfig(options)), name);
  return { removed: there ? { ...wanted, file: configFile } : null, still: after.throughGam };
}
