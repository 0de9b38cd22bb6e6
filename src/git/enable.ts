import { lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import {
  ALLOW,
  anyEnabled,
  type Form,
  holds,
  includedBases,
  type Setting,
  settingsFor,
} from '../mirror/enabling.ts';
import { printable } from '../protocol/text.ts';
import { addConfigValue, readConfigFile, removeConfigValue } from './config-file.ts';
import { closeLedger, type Ledger, ledgerIn, openLedger, writeInclude, wroteAllow } from './enable-ledger.ts';
import type { Environment } from './environment.ts';
import type { RunOptions } from './run.ts';
import { gamFolder, userConfigFile } from './user-config.ts';
import { gitVersion, HASCONFIG_GIT, isAtLeast } from './version.ts';

/** One value that was written, and where. */
export interface Written extends Setting {
  file: string;
}

/** The form that works with the git on PATH. */
export async function usableForm(options: RunOptions): Promise<Form> {
  return isAtLeast(await gitVersion(options), HASCONFIG_GIT) ? 'include' : 'rewrite';
}

async function places(env: Environment, options: RunOptions): Promise<{ config: string; ledger: Ledger }> {
  return { config: await userConfigFile(env, options), ledger: ledgerIn(gamFolder(env)) };
}

async function write(
  settings: readonly Setting[],
  config: string,
  ledger: Ledger,
  options: RunOptions,
): Promise<Written[]> {
  const entries = await readConfigFile(config, options);
  const allow = lastValue(entries, 'protocol', 'mirror', 'allow');
  const missing = settings.filter((setting) => !holds(entries, setting));
  if (allow === undefined) missing.push(ALLOW);
  const written: Written[] = [];
  const included = settings.some((setting) => setting.key.section === 'includeIf');
  if (missing.length > 0 || included) await openLedger(ledger, config, allow !== undefined, options);
  if (included && (await writeInclude(ledger, options))) {
    const key = { section: 'remote', subsection: 'origin', name: 'vcs' };
    written.push({ key, value: 'mirror', file: ledger.include });
  }
  for (const setting of missing) {
    await addConfigValue(config, setting.key, setting.value, options);
    written.push({ ...setting, file: config });
  }
  return written;
}

/**
 * Sends every URL under a base through gam, by the user's git configuration. What stands there already is
 * not written again; when anything fails, what was written is taken back.
 * @returns what was written, nothing when the base was enabled in this form
 * @throws GamError `bad-config` when the user has set protocol.mirror.allow to something that forbids it
 */
export async function enableBase(
  base: string,
  form: Form,
  env: Environment,
  options: RunOptions,
): Promise<Written[]> {
  const { config, ledger } = await places(env, options);
  const allow = lastValue(await readConfigFile(config, options), 'protocol', 'mirror', 'allow');
  if (allow !== undefined && allow !== ALLOW.value) {
    throw new GamError('bad-config', `protocol.mirror.allow is '${printable(allow)}' in ${config}`, {
      suggestion: 'git would refuse submodules; run git config --global protocol.mirror.allow always',
    });
  }
  const other = form === 'include' ? 'rewrite' : 'include';
  await disableForm(base, other, config, ledger, options);
  try {
    return await write(settingsFor(base, form, ledger.include), config, ledger, options);
  } catch (error) {
    // The first failure is the one to tell; a half-written base must not stay.
    await disableBase(base, env, options).catch(() => undefined);
    throw error;
  }
}

async function disableForm(
  base: string,
  form: Form,
  config: string,
  ledger: Ledger,
  options: RunOptions,
): Promise<Written[]> {
  const entries = await readConfigFile(config, options);
  // gam's folder may have moved since.
  const files = new Set([ledger.include, ...includedBases(entries).map((included) => included.file)]);
  const settings =
    form === 'rewrite'
      ? settingsFor(base, form, '')
      : [...files].flatMap((include) => settingsFor(base, form, include));
  const removed = settings.filter((setting) => holds(entries, setting));
  for (const { key, value } of removed) await removeConfigValue(config, key, value, options);
  return removed.map((setting) => ({ ...setting, file: config }));
}

/**
 * Takes back what enableBase() wrote, in either form. With the last base go `protocol.mirror.allow`, if it
 * was gam that wrote it, and gam's own files.
 * @returns what was removed from the user's configuration, nothing when the base was not enabled
 */
export async function disableBase(base: string, env: Environment, options: RunOptions): Promise<Written[]> {
  const { config, ledger } = await places(env, options);
  const removed = [
    ...(await disableForm(base, 'include', config, ledger, options)),
    ...(await disableForm(base, 'rewrite', config, ledger, options)),
  ];
  if (anyEnabled(await readConfigFile(config, options))) return removed;
  if ((await wroteAllow(ledger, config, options)) && holds(await readConfigFile(config, options), ALLOW)) {
    await removeConfigValue(config, ALLOW.key, ALLOW.value, options);
    removed.push({ ...ALLOW, file: config });
  }
  await closeLedger(ledger, config, options);
  return removed;
}
