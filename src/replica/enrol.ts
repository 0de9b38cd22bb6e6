import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allValues, lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { addConfigValue, readConfigFile, removeConfigValue, setConfigValue } from '../git/config-file.ts';
import { installHooks, removeHooks } from '../git/hooks.ts';
import { type RunOptions } from '../git/run.ts';
import { storedRefs, swapRefs, writeText } from '../git/swap-refs.ts';
import { writeGroupFile } from './adopt-group.ts';
import { GROUP_REF, type Group, writeGroup } from './group.ts';
import { type HookProgram, hookScripts } from './hook-scripts.ts';
import { placesOf } from './places.ts';

/** The configuration includes the group's document from here; relative to itself, so that a repository can be moved. */
const INCLUDED = 'gam/replica/group';
const INCLUDE = { section: 'include', subsection: null, name: 'path' };
const SELF = { section: 'replica', subsection: null, name: 'self' };

/** A new secret of a group. */
export function makeSecret(): string {
  return randomBytes(32).toString('hex');
}

/**
 * A group's secret, from a file.
 * @throws GamError `bad-config`
 */
export function readSecretFile(file: string): string {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new GamError('bad-config', `${file} holds no secret of a group`, {
    suggestion: 'copy gam/replica/secret from the repository of a member',
  });
}

/** What makes a repository a member. */
export interface Enrolment {
  group: Group;
  /** Which member it is. */
  id: string;
  secret: string;
  program: HookProgram;
}

/**
 * Makes a repository a member: its secret, the group's document, hooks, configuration. Doing it again brings all of it up to date.
 * @param gitDir absolute
 */
export async function enrol(
  gitDir: string,
  { group, id, secret, program }: Enrolment,
  run: RunOptions,
): Promise<void> {
  const { folder, secret: secretFile } = placesOf(gitDir);
  mkdirSync(folder, { recursive: true });
  if (!existsSync(secretFile)) writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
  const config = join(gitDir, 'config');
  const entries = await readConfigFile(config, run);
  // Who shares the repository with a group of users lets all of them serve it.
  const shared = lastValue(entries, 'core', null, 'sharedrepository') ?? 'umask';
  chmodSync(secretFile, ['group', 'true', '1', 'all', 'world', 'everybody'].includes(shared) ? 0o640 : 0o600);
  const text = writeGroup(group);
  writeGroupFile(gitDir, text);
  const oid = await writeText(text, run);
  const now = (await storedRefs([GROUP_REF], run)).get(GROUP_REF)?.oid ?? null;
  if (now !== oid) await swapRefs([{ ref: GROUP_REF, old: now, new: oid }], run);
  await installHooks(gitDir, hookScripts(program), run);
  await setConfigValue(config, SELF, id, run);
  // Last: from here on pushes are the hook's.
  if (!allValues(entries, 'include', null, 'path').includes(INCLUDED))
    await addConfigValue(config, INCLUDE, INCLUDED, run);
}

/** Makes a repository a plain one again; its published refs stay as they are, and so does what was kept aside. */
export async function disenrol(gitDir: string, id: string, run: RunOptions): Promise<void> {
  const config = join(gitDir, 'config');
  // First: from here on pushes are git's.
  await removeConfigValue(config, INCLUDE, INCLUDED, run);
  await removeConfigValue(config, SELF, id, run);
  await removeHooks(gitDir, run);
  const own = await storedRefs(['refs/gam/'], run);
  const gone = [...own].filter(([ref]) => !ref.startsWith('refs/gam/diverged/'));
  await swapRefs(
    gone.map(([ref, { oid }]) => ({ ref, old: oid, new: null })),
    run,
  );
  rmSync(placesOf(gitDir).folder, { recursive: true, force: true });
}
