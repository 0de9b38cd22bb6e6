import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { MIRROR_NAMESPACE, parseStagedRefs, type StagedRef, splitSwept } from '../mirror/staged.ts';
import type { WantedRef } from './fetch-pack.ts';
import { deleteRefs } from './refs.ts';
import { commonDirOf } from './repository.ts';
import { gitOutput, type RunOptions } from './run.ts';

const FORMAT = '--format=%(refname) %(objectname) %(*objectname)';

/** Lists what is staged in a repository; `options` name it by `cwd` or by GIT_DIR in `env`. */
export async function listStaged(options: RunOptions): Promise<StagedRef[]> {
  return parseStagedRefs(await gitOutput(['for-each-ref', FORMAT, MIRROR_NAMESPACE], options));
}

// Left relative where the commands run here: this process may stand in a folder that was renamed.
async function folderOf(namespace: string, options: RunOptions): Promise<string> {
  const { env, cwd } = options;
  const absolute = (path: string) => (cwd === undefined ? path : resolve(cwd, path));
  const gitDir = env?.['GIT_DIR'];
  if (env !== undefined && gitDir !== undefined)
    return join(absolute(commonDirOf(absolute(gitDir), env)), namespace);
  return absolute((await gitOutput(['rev-parse', '--git-path', namespace], options)).trimEnd());
}

/**
 * Deletes staged refs by compare-and-swap, and the folders that git leaves empty behind them: with
 * refs/mirror/ gone, the next helper sees at a glance that there is nothing to sweep.
 */
export async function removeStaged(refs: readonly WantedRef[], options: RunOptions): Promise<void> {
  if (refs.length === 0) return;
  await deleteRefs(refs, options);
  const top = await folderOf(MIRROR_NAMESPACE, options);
  const inside = await readdir(top, { recursive: true, withFileTypes: true }).catch(() => []);
  const folders = inside
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  // The longest paths first; a folder that got a ref meanwhile is not empty, and stays.
  for (const folder of [...folders, top].sort((a, b) => b.length - a.length)) {
    await rmdir(folder).catch(() => undefined);
  }
}

/** Deletes, of the refs that one staging wrote, those that still stand where it put them. */
export async function removeWritten(refs: readonly WantedRef[], options: RunOptions): Promise<void> {
  try {
    return await removeStaged(refs, options);
  } catch {
    // One of them is gone or was moved, as by the next helper.
  }
  const written = new Map(refs.map(({ name, oid }) => [name, oid]));
  const staged = await listStaged(options);
  await removeStaged(
    staged.filter(({ name, oid }) => written.get(name) === oid),
    options,
  );
}

/**
 * Looks at refs/mirror/* by revision walk: the staged tips are interesting, every real ref is not. `gone`
 * are those that a sweep would delete; what is `left` is unverified.
 */
export async function inspectStaged(options: RunOptions): Promise<{ gone: StagedRef[]; left: StagedRef[] }> {
  const staged = await listStaged(options);
  if (staged.length === 0) return { gone: [], left: [] };
  const tips = [...new Set(staged.map((ref) => ref.peeled))];
  const real = ['--not', `--exclude=${MIRROR_NAMESPACE}*`, '--all'];
  const input = `${tips.join('\n')}\n`;
  const walked = await gitOutput(['rev-list', '--stdin', ...real], { ...options, input });
  return splitSwept(staged, new Set(walked.split('\n')));
}

/** Sweeps refs/mirror/*: a staged ref whose tip turns out uninteresting is deleted. */
export async function sweepStaged(options: RunOptions): Promise<{ gone: StagedRef[]; left: StagedRef[] }> {
  const split = await inspectStaged(options);
  await removeStaged(split.gone, options);
  return split;
}

/** A lock that nobody can still hold: git writes a ref in an instant. */
const STALE_LOCK_MS = 10_000;

/** Removes lock files that a killed git left under one site: in gam's own folder, nobody else would. */
export async function removeStaleLocks(site: string, options: RunOptions): Promise<void> {
  const top = await folderOf(`${MIRROR_NAMESPACE}${site}`, options);
  for (const name of await readdir(top, { recursive: true }).catch(() => [])) {
    const lock = join(top, name);
    if (!name.endsWith('.lock')) continue;
    const found = await stat(lock).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > STALE_LOCK_MS) await rm(lock, { force: true });
  }
}
