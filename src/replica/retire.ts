import { existsSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { lastValue } from '../config/entries.ts';
import { readConfigFile, removeConfigValue, setConfigValue } from '../git/config-file.ts';
import type { RunOptions } from '../git/run.ts';
import { changeGroup } from './change-group.ts';
import { disenrol } from './enrol.ts';
import type { Member } from './group.ts';
import { moveArbiter } from './move-arbiter.ts';
import type { Replica } from './replica.ts';
import { work } from './worker.ts';

const list = (name: string) => ({ section: 'mirrorList', subsection: null, name });

/** For so long others are told that one leaves; who cannot be reached learns of it from the rest. */
const LAST_WORDS_MS = 20_000;

/** Tells members what is noted for them, from one that is about to forget it. */
export async function lastWords(replica: Replica, pid: number): Promise<void> {
  const signal = AbortSignal.timeout(LAST_WORDS_MS);
  await work({
    gitDir: replica.gitDir,
    open: async () => replica,
    tell: () => undefined,
    signal,
    pid,
    mode: 'retry',
  });
}

/** Whether a repository was being retired, and whoever did it was killed before it was renamed. */
export async function isRetiring(gitDir: string, run: RunOptions): Promise<boolean> {
  const entries = await readConfigFile(join(gitDir, 'config'), run);
  return lastValue(entries, 'mirrorlist', null, 'state') === 'moved';
}

/**
 * Makes a repository that has left its group a plain one, beside its former place.
 * @returns its new place
 */
export async function renameAway(gitDir: string, run: RunOptions): Promise<string> {
  await disenrol(gitDir, run);
  for (let number = 1; ; number += 1) {
    const place = `${gitDir}.retired${number === 1 ? '' : `-${number}`}`;
    if (existsSync(place)) continue;
    renameSync(gitDir, place);
    return place;
  }
}

/**
 * Takes a member out of its group for good: its configuration tells clients of gam that it has moved, and its repository is renamed.
 * What is done first says that it is being done: whoever is killed in it, does it again.
 *
 * @returns where the repository is now
 * @throws GamError as a push is refused; it is a member still then
 */
export async function retire(
  replica: Replica,
  successor: Member,
  pid: number,
  tell: (line: string) => void,
): Promise<string> {
  const { gitDir, group, self, run } = replica;
  if (group.coordinator === 'git' && group.arbiter === self.id) await moveArbiter(replica, successor.id);
  const file = join(gitDir, 'config');
  await setConfigValue(file, list('enabled'), 'true', run);
  await setConfigValue(file, list('successor'), successor.url, run);
  await setConfigValue(file, list('state'), 'moved', run);
  try {
    await changeGroup(
      replica,
      (now) => ({ ...now, members: now.members.filter(({ id }) => id !== self.id) }),
      tell,
    );
  } catch (error) {
    await removeConfigValue(file, list('state'), 'moved', run);
    throw error;
  }
  await lastWords(replica, pid);
  return renameAway(gitDir, run);
}
