import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { untilNothing } from './bystanders.ts';
import { asCloned, compareRefs, type Mapping } from './refs.ts';
import { plainGitDir } from './repository.ts';
import { digestOf } from './same-bytes.ts';
import type { Sandbox } from './sandbox.ts';

/** Names of files and folders that git and gam make for a while only. */
const PASSING = /\.lock$|\.keep$|^tmp_|^incoming-/;

function passingFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
      PASSING.test(basename(name)),
    );
  } catch {
    return [folder]; // A folder vanished while it was read: someone is still at work.
  }
}

async function commonDir(sandbox: Sandbox, repository: string): Promise<string> {
  const plain = plainGitDir(sandbox, repository);
  if (plain !== null) return plain;
  const { stdout } = await sandbox.git(['rev-parse', '--git-common-dir'], { cwd: repository });
  return resolve(sandbox.path(repository), stdout.trim());
}

/** What git fsck starts a process for, to check it, whether it is there or not: half of its time. */
const GRAPHS = [
  { key: 'core.commitGraph', folder: 'objects/info', name: /^commit-graph/ },
  { key: 'core.multiPackIndex', folder: 'objects/pack', name: /^multi-pack-index/ },
];

function withoutAbsentGraphs(sandbox: Sandbox, repository: string): string[] {
  const gitDir = plainGitDir(sandbox, repository);
  if (gitDir === null) return [];
  return GRAPHS.flatMap(({ key, folder, name }) => {
    const path = join(gitDir, folder);
    const isThere = existsSync(path) && readdirSync(path).some((file) => name.test(file));
    return isThere ? [] : ['-c', `${key}=false`];
  });
}

const verdicts = new Map<string, readonly string[]>();

/**
 * What `git fsck --strict` complains of, as lines; nothing when the repository is sound. Repositories of the same bytes
 * are looked at once: where a fetch breaks off early, or ends in one of a few ways, most are.
 */
export async function fsckComplaints(sandbox: Sandbox, repository: string): Promise<readonly string[]> {
  const gitDir = plainGitDir(sandbox, repository);
  const digest = gitDir === null ? null : digestOf(gitDir);
  const complaints =
    (digest === null ? undefined : verdicts.get(digest)) ?? (await fsck(sandbox, repository));
  if (digest !== null) verdicts.set(digest, complaints);
  return complaints;
}

async function fsck(sandbox: Sandbox, repository: string): Promise<string[]> {
  const graphs = withoutAbsentGraphs(sandbox, repository);
  const args = [...graphs, 'fsck', '--strict', '--no-dangling', '--no-progress'];
  const { status, stdout, stderr } = await sandbox.git(args, { cwd: repository, expectStatus: null });
  const lines = `${stdout}${stderr}`.split('\n').filter((line) => line !== '' && !line.startsWith('notice:'));
  return status === 0 ? lines : [`git fsck ended with ${status}`, ...lines];
}

/** The names of staged refs. Where refs are files (gitrepository-layout(5)), a look tells that there are none. */
async function stagedRefs(sandbox: Sandbox, repository: string): Promise<string[]> {
  const gitDir = plainGitDir(sandbox, repository);
  if (gitDir !== null && !existsSync(join(gitDir, 'reftable')) && !existsSync(join(gitDir, 'refs/mirror'))) {
    const packed = join(gitDir, 'packed-refs');
    if (!existsSync(packed) || !readFileSync(packed, 'latin1').includes(' refs/mirror/')) return [];
  }
  const args = ['for-each-ref', '--format=%(refname)', 'refs/mirror'];
  return (await sandbox.git(args, { cwd: repository })).stdout.split('\n').filter(Boolean);
}

/**
 * What a fetch left behind: refs under refs/mirror, lock, keep and temporary files. The sweeper outlives
 * git by a moment and is waited for, at most
 * `patience` milliseconds (ten seconds).
 */
export async function leftovers(
  sandbox: Sandbox,
  repository: string,
  patience?: number,
): Promise<readonly string[]> {
  const folder = await commonDir(sandbox, repository);
  return untilNothing(async () => {
    const temporary = readdirSync(sandbox.path('tmp')).map((name) => join('tmp', name));
    return [...(await stagedRefs(sandbox, repository)), ...passingFiles(folder), ...temporary];
  }, patience);
}

/** Every ref of canonical is in the clone as it should be, HEAD too, and no other ref is there. */
export async function expectSameRefs(
  sandbox: Sandbox,
  clone: string,
  canonical: string,
  mapping: Mapping = asCloned,
): Promise<void> {
  assert.deepEqual((await compareRefs(sandbox, clone, canonical, mapping)).differences, []);
}

/** The repository is sound and nothing is left over in it. */
export async function expectClean(sandbox: Sandbox, repository: string): Promise<void> {
  assert.deepEqual(await leftovers(sandbox, repository), []);
  assert.deepEqual(await fsckComplaints(sandbox, repository), []);
}

/** No process that was started in the sandbox is left; seen on Linux only. */
export async function expectNoChildren(sandbox: Sandbox): Promise<void> {
  assert.deepEqual(await untilNothing(() => sandbox.living()), []);
}
