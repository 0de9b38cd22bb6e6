import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { allValues, lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { addConfigValue, readConfigFile, removeConfigValue, setConfigValue } from '../git/config-file.ts';
import { installHooks, removeHooks } from '../git/hooks.ts';
import { type RunOptions } from '../git/run.ts';
import { storedRefs, swapRefs, writeText } from '../git/swap-refs.ts';
import { printable } from '../protocol/text.ts';
import { writeGroupFile } from './adopt-group.ts';
import { DIVERGED_REFS } from './converge.ts';
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
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'is not there' : code === 'EACCES' ? 'may not be read' : 'cannot be read';
    throw new GamError('bad-config', `the group's secret: ${printable(file)} ${why}`, {
      suggestion: 'run it as the user who owns it, or name a copy with --secret',
      cause,
    });
  }
  if (/^[0-9a-f]{64}$/.test(text)) return text;
  throw new GamError('bad-config', `${printable(file)} holds no secret of a group`, {
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
  // What a join left behind that was killed may be another group's.
  writeFileSync(secretFile, `${secret}\n`, { mode: 0o600 });
  const config = join(gitDir, 'config');
  const entries = await readConfigFile(config, run);
  // Who shares the repository with a group of users lets all of them serve it.
  const shared = lastValue(entries, 'core', null, 'sharedrepository') ?? 'umask';
  chmodSync(secretFile, ['group', 'true', '1', 'all', 'world', 'everybody'].includes(shared) ? 0o640 : 0o600);
  const text = writeGroup(group);
  writeGroupFile(gitDir, group, id);
  const oid = await writeText(text, run);
  const now = (await storedRefs([GROUP_REF], run)).get(GROUP_REF)?.oid ?? null;
  if (now !== oid) await swapRefs([{ ref: GROUP_REF, old: now, new: oid }], run);
  await installHooks(gitDir, hookScripts(program), run);
  await setConfigValue(config, SELF, id, run);
  // Last: from here on pushes are the hook's.
  if (!allValues(entries, 'include', null, 'path').includes(INCLUDED))
    await addConfigValue(config, INCLUDE, INCLUDED, run);
}

/** Where a URL is tried out for a moment (own-url.ts). */
const PROOF_REFS = 'refs/gam-proof/';

/** Makes a repository a plain one again; its published refs stay as they are, and so does what was kept aside. */
export async function disenrol(gitDir: string, run: RunOptions): Promise<void> {
  const config = join(gitDir, 'config');
  const id = lastValue(await readConfigFile(config, run), 'replica', null, 'self');
  // First: from here on pushes are git's.
  await removeConfigValue(config, INCLUDE, INCLUDED, run);
  if (id !== undefined) await removeConfigValue(config, SELF, id, run);
  await removeHooks(gitDir, run);
  const own = await storedRefs(['refs/gam/', PROOF_REFS], run);
  const gone = [...own].filter(([ref]) => !ref.startsWith(DIVERGED_REFS));
  await swapRefs(
    gone.map(([ref, { oid }]) => ({ ref, old: oid, new: null })),
    run,
  );
  const { folder } = placesOf(gitDir);
  rmSync(folder, { recursive: true, force: true });
  // Stays where another room of gam's keeps something beside it.
  if (readdirSync(dirname(folder)).length === 0) rmdirSync(dirname(folder));
}

/**
 * Whether a repository has something of a member without being one: somebody was killed while he founded a group, joined or left.
 */
export async function isHalfEnrolled(gitDir: string, run: RunOptions): Promise<boolean> {
  if (existsSync(placesOf(gitDir).folder)) return true;
  const entries = await readConfigFile(join(gitDir, 'config'), run);
  return lastValue(entries, 'replica', null, 'self') !== undefined;
}
