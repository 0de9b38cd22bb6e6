import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MIRROR_NAMESPACE } from '../mirror/staged.ts';
import type { WantedRef } from './fetch-pack.ts';
import { presentObjects } from './objects.ts';
import type { Repository } from './repository.ts';
import { gitOutput, runGit } from './run.ts';
import { removeWritten } from './staged.ts';

/** What a mirror that stands elsewhere than canonical has brought. */
export interface Surplus {
  /** Staged tips that canonical did not name. */
  tips: readonly string[];
  /** What git wants: canonical's ids. */
  wanted: readonly string[];
  /** The packs of the staging, without their endings. */
  packs: readonly string[];
  /** The refs under refs/mirror/ that were written. */
  refs: readonly WantedRef[];
  /** Canonical's annotated tags and what they lead to, where git wants those that lead to what it gets. */
  tags: ReadonlyMap<string, string>;
}

const REAL_REFS = ['--not', `--exclude=${MIRROR_NAMESPACE}*`, '--all'];

function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join('');
}

/**
 * Whether the staged tips lie within what git wants, or what it had: the usual case, a mirror that is behind.
 *
 * @returns false also where something behind what git wants is not here; null where that itself is not
 */
export async function isWithin(surplus: Surplus, repository: Repository): Promise<boolean | null> {
  const input = lines([...surplus.tips, ...surplus.wanted.map((oid) => `^${oid}`)]);
  const walk = ['rev-list', '--stdin', '--max-count=1', ...REAL_REFS];
  const { status, stdout } = await runGit(walk, { ...repository, input });
  return status === 0 ? stdout === '' : null;
}

// `git clone --single-branch` asks for no tag, and gets those on its branch with the pack. Canonical does not send
// them when the branch itself came from a mirror.
async function followedTags({ tags, wanted }: Surplus, repository: Repository): Promise<string[]> {
  const here = [...(await presentObjects(tags.keys(), repository))];
  const commits = here.map((oid) => tags.get(oid) ?? oid);
  const input = lines([...commits, ...wanted.map((oid) => `^${oid}`)]);
  const beyond = new Set((await gitOutput(['rev-list', '--stdin'], { ...repository, input })).split('\n'));
  return here.filter((oid) => !beyond.has(tags.get(oid) ?? oid));
}

/**
 * Takes out of the repository what a diverged mirror brought beyond what git wants: packs what belongs to it
 * afresh, and deletes the staged packs and refs. git follows a tag when what it leads to is here, and would
 * otherwise follow tags on commits that plain git never sees.
 * @throws GamError `git-failed`; then nothing was deleted
 */
export async function trimSurplus(surplus: Surplus, repository: Repository): Promise<void> {
  const real = await gitOutput(['for-each-ref', '--format=%(refname) %(objectname)'], repository);
  const had = real
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith(MIRROR_NAMESPACE))
    .map((line) => `^${line.split(' ')[1]}`);
  const folder = join(repository.objects, 'pack');
  const arguments_ = ['pack-objects', '--revs', '--delta-base-offset', '-q', join(folder, 'pack')];
  const kept = [...surplus.wanted, ...(await followedTags(surplus, repository))];
  const made = await gitOutput(arguments_, { ...repository, input: lines([...kept, ...had]) });
  await removeWritten(surplus.refs, repository);
  for (const pack of surplus.packs.filter((name) => name !== `pack-${made.trim()}`)) {
    // The index first: a pack without one is not looked into.
    for (const ending of ['idx', 'rev', 'pack']) await rm(join(folder, `${pack}.${ending}`), { force: true });
  }
}
