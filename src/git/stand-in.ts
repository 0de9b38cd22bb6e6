import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Environment, withoutRepository } from './environment.ts';
import { type Started, startProcess } from './process.ts';
import type { Quarantine } from './quarantine.ts';

/** The most that one allocation of git may ask for: a pack's deltas and headers can claim any size. */
const ALLOCATION_LIMIT = '2g';

/**
 * What upload-pack serves from a stand-in with, whatever the user's own configuration says: the filters that a
 * request may have, no search for new deltas (those that came are used again), no doubt about whose folder it is,
 * and no hook of the user's. A hook gets pack-objects as its arguments, and env(1) does nothing but run them.
 */
const SERVING = [
  'uploadpack.allowFilter=true',
  'uploadpackfilter.allow=true',
  'uploadpackfilter.blob:none.allow=true',
  'uploadpack.packObjectsHook=env',
  'pack.window=0',
  'safe.directory=*',
].flatMap((setting) => ['-c', setting]);

/** A bare repository whose objects are those of a quarantine, and nothing else. */
export interface StandIn {
  gitDir: string;
  /** An environment in which every git command works on it, and fetches nothing on demand. */
  env: Environment;
}

/**
 * Makes a repository out of a quarantine, which it goes with. git's own upload-pack then answers from there as
 * canonical would: it looks for itself where a history is cut, packs what the wanted ids lead to, no more and no
 * less, and dies where something of that is missing.
 *
 * @param format the hash of the object ids
 */
export async function makeStandIn(
  quarantine: Quarantine,
  format: string,
  env: Environment,
): Promise<StandIn> {
  const gitDir = join(quarantine.folder, 'stand-in');
  await mkdir(join(gitDir, 'refs'), { recursive: true });
  await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
  // gitrepository-layout(5), and extensions.objectFormat in git-config(1), which needs version 1.
  const version = format === 'sha1' ? 0 : 1;
  const extension = format === 'sha1' ? '' : `[extensions]\n\tobjectFormat = ${format}\n`;
  const core = `[core]\n\trepositoryFormatVersion = ${version}\n\tbare = true\n`;
  await writeFile(join(gitDir, 'config'), core + extension);
  return {
    gitDir,
    env: {
      ...withoutRepository(env),
      GIT_DIR: gitDir,
      GIT_OBJECT_DIRECTORY: quarantine.folder,
      GIT_NO_LAZY_FETCH: '1',
      GIT_ALLOC_LIMIT: ALLOCATION_LIMIT,
    },
  };
}

/** Gives a stand-in tags, for `include-tag`. Their names do not matter. */
export async function tagStandIn({ gitDir }: StandIn, oids: readonly string[]): Promise<void> {
  const lines = oids.map((oid, index) => `${oid} refs/tags/${index}\n`);
  await writeFile(join(gitDir, 'packed-refs'), lines.join(''));
}

/** Starts `git index-pack`, which reads a pack into the stand-in and draws its counters on standard error. */
export function startIndexPack({ env }: StandIn, progress: boolean, signal: AbortSignal): Started {
  const args = ['index-pack', '--stdin', ...(progress ? ['-v'] : [])];
  return startProcess('git', args, { env, signal, stdio: ['pipe', 'ignore', 'pipe'] });
}

/** Starts `git upload-pack`, which reads one request of protocol v2 and answers it out of the stand-in. */
export function startUploadPack({ gitDir, env }: StandIn, signal: AbortSignal): Started {
  return startProcess('git', [...SERVING, 'upload-pack', '--stateless-rpc', gitDir], {
    env: { ...env, GIT_PROTOCOL: 'version=2' },
    signal,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}
