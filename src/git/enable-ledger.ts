import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ConfigKey } from '../config/edit.ts';
import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { readConfigFile, removeConfigValue, replaceFile, setConfigValue } from './config-file.ts';
import type { RunOptions } from './run.ts';

/** gam's folder and what `gam enable` keeps there. */
export interface Ledger {
  folder: string;
  /** What the conditional include names: it sends origin through the helper. */
  include: string;
  /** How the user's configuration looked before, in git's format, so that disabling leaves no trace. */
  notes: string;
}

const INCLUDED: ConfigKey = { section: 'remote', subsection: 'origin', name: 'vcs' };

/** Names the files of one gam folder. */
export function ledgerIn(folder: string): Ledger {
  return { folder, include: join(folder, 'origin.gitconfig'), notes: join(folder, 'enabled') };
}

function digest(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function noteKey(config: string, name: string): ConfigKey {
  return { section: 'before', subsection: config, name };
}

async function note(ledger: Ledger, key: ConfigKey, value: string, options: RunOptions): Promise<void> {
  await setConfigValue(ledger.notes, key, value, options);
}

/**
 * Makes gam's folder and notes, once, how the configuration file looks: its digest, and whether it has
 * `protocol.mirror.allow` of the user's own.
 */
export async function openLedger(
  ledger: Ledger,
  config: string,
  allowed: boolean,
  options: RunOptions,
): Promise<void> {
  const made = await mkdir(ledger.folder, { recursive: true });
  const noted = await readConfigFile(ledger.notes, options);
  if (made !== undefined)
    await note(ledger, { section: 'made', subsection: null, name: 'folder' }, made, options);
  if (lastValue(noted, 'before', config, 'digest') !== undefined) return;
  const before = existsSync(config) ? digest(await readFile(config)) : 'none';
  await note(ledger, noteKey(config, 'digest'), before, options);
  await note(ledger, noteKey(config, 'allowed'), String(allowed), options);
}

/** Writes the file that the conditional include names, unless it says so already. */
export async function writeInclude(ledger: Ledger, options: RunOptions): Promise<boolean> {
  const says = await readConfigFile(ledger.include, options);
  if (lastValue(says, 'remote', 'origin', 'vcs') === 'mirror') return false;
  await setConfigValue(ledger.include, INCLUDED, 'mirror', options);
  return true;
}

/** True when `protocol.mirror.allow` was not the user's own. */
export async function wroteAllow(ledger: Ledger, config: string, options: RunOptions): Promise<boolean> {
  const noted = await readConfigFile(ledger.notes, options);
  return lastValue(noted, 'before', config, 'allowed') === 'false';
}

// git ends an unended last line before it adds to a file, and makes a file that was missing.
async function restore(config: string, before: string | undefined): Promise<void> {
  const content = await readFile(config);
  if (before === 'none' && content.length === 0) await rm(config);
  const shorter = content.subarray(0, -1);
  if (content.at(-1) === 0x0a && digest(shorter) === before) await replaceFile(config, shorter);
}

async function removeFolders(ledger: Ledger, entries: readonly ConfigEntry[]): Promise<void> {
  const top = lastValue(entries, 'made', null, 'folder');
  await rm(ledger.include, { force: true });
  await rm(ledger.notes, { force: true });
  let folder = ledger.folder;
  for (;;) {
    // Someone else's file keeps the folder.
    const removed = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!removed || top === undefined || folder === top) return;
    folder = dirname(folder);
  }
}

/** Puts the last details back once no base is left enabled, and removes gam's files when nobody needs them. */
export async function closeLedger(ledger: Ledger, config: string, options: RunOptions): Promise<void> {
  const noted = await readConfigFile(ledger.notes, options);
  const before = lastValue(noted, 'before', config, 'digest');
  if (existsSync(config)) await restore(config, before);
  const others = noted.some((entry) => entry.section === 'before' && entry.subsection !== config);
  if (!others) return removeFolders(ledger, noted);
  const allowed = lastValue(noted, 'before', config, 'allowed');
  if (allowed !== undefined)
    await removeConfigValue(ledger.notes, noteKey(config, 'allowed'), allowed, options);
  if (before !== undefined) await removeConfigValue(ledger.notes, noteKey(config, 'digest'), before, options);
}
