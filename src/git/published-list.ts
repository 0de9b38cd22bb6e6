import { badMirrorList, type MirrorList } from '../protocol/mirror-list.ts';
import { PUBLISHED_FILE } from '../protocol/published-list.ts';
import type { Environment } from './environment.ts';
import { LARGEST_LIST_FILE, readMirrorListFile } from './mirror-list-file.ts';
import { Quarantine } from './quarantine.ts';
import { type RunOptions, runGit } from './run.ts';
import { makeStandIn } from './stand-in.ts';

/** The most that git may take for anything in such a pack, in which a few bytes may claim to be gigabytes. */
const ALLOCATION_LIMIT = '32m';

/** Where a published list is read, and by whom. */
export interface ReadingPlace {
  /** An object folder, or any other folder; nothing is left in it. */
  objects: string;
  env: Environment;
  pid: number;
  /** Ends it, with its children. */
  signal: AbortSignal;
}

/**
 * Reads a published list out of a pack with its commit. git does so in a quarantine, in which it sees no other object, no
 * setting of a repository, and nothing that could be fetched on demand.
 *
 * @param format the hash of the object ids
 * @throws GamError `bad-mirror-list` for anything else than a commit with such a file
 */
export async function readPublishedList(
  pack: Buffer,
  commit: string,
  format: string,
  { objects, env, pid, signal }: ReadingPlace,
): Promise<MirrorList> {
  const quarantine = await Quarantine.open(objects, pid);
  try {
    const standIn = await makeStandIn(quarantine, format, env);
    const options = { env: { ...standIn.env, GIT_ALLOC_LIMIT: ALLOCATION_LIMIT }, signal };
    const indexed = await runGit(['index-pack', '--stdin'], { ...options, input: pack });
    signal.throwIfAborted();
    if (indexed.status !== 0) throw badMirrorList('comes in a pack that git refuses');
    const text = await fileOf(commit, options);
    signal.throwIfAborted();
    return await readMirrorListFile(text, env);
  } finally {
    await quarantine.remove();
  }
}

async function fileOf(commit: string, options: RunOptions): Promise<Buffer> {
  const list = ['ls-tree', '-l', '-z', '--full-tree', `${commit}^{commit}`, PUBLISHED_FILE];
  const { status, stdout } = await runGit(list, options);
  if (status !== 0) throw badMirrorList('is in no commit');
  const [, mode = '', id = '', size = ''] = /^(\d+) blob ([0-9a-f]+) +(\d+)\t/.exec(stdout) ?? [];
  if (!/^100(?:644|664|755)$/.test(mode)) throw badMirrorList(`is no file '${PUBLISHED_FILE}'`);
  if (Number(size) > LARGEST_LIST_FILE) throw badMirrorList('is larger than 1 MiB');
  const read = await runGit(['cat-file', 'blob', id], options);
  if (read.status !== 0) throw badMirrorList('cannot be read');
  return Buffer.from(read.stdout);
}
