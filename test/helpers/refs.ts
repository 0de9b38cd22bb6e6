import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { plainGitDir } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

/** Every ref of a repository, and HEAD: an object id, or `ref: <name>` for a symbolic one. */
export type Refs = Readonly<Record<string, string>>;

async function readRefs(sandbox: Sandbox, repository: string): Promise<Refs> {
  const format = '--format=%(refname)%00%(objectname)%00%(symref)%00%(HEAD)';
  const { stdout } = await sandbox.git(['for-each-ref', format], { cwd: repository });
  const refs: Record<string, string> = {};
  for (const line of stdout.split('\n').filter(Boolean)) {
    const [name = '', oid = '', symref = '', head] = line.split('\0');
    if (!name.startsWith('refs/mirror/')) refs[name] = symref === '' ? oid : `ref: ${symref}`;
    if (head === '*') refs['HEAD'] = `ref: ${name}`;
  }
  if (refs['HEAD'] !== undefined) return refs;
  // It is detached, or its branch has no commit.
  const symbolic = await sandbox.git(['symbolic-ref', '-q', 'HEAD'], { cwd: repository, expectStatus: null });
  if (symbolic.status === 0) return { ...refs, HEAD: `ref: ${symbolic.stdout.trim()}` };
  const detached = await sandbox.git(['rev-parse', 'HEAD'], { cwd: repository });
  return { ...refs, HEAD: detached.stdout.trim() };
}

function readText(path: string): string {
  return existsSync(path) ? readFileSync(path, 'latin1') : '';
}

// All that refs depend on where they are files (gitrepository-layout(5)); null where git has to be asked, also as long
// as somebody removes folders of staged refs.
function textOfRefs(sandbox: Sandbox, repository: string): string | null {
  const gitDir = plainGitDir(sandbox, repository);
  if (gitDir === null || ['reftable', 'commondir'].some((name) => existsSync(join(gitDir, name))))
    return null;
  try {
    const names = readdirSync(join(gitDir, 'refs'), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(gitDir, join(entry.parentPath, entry.name)))
      .filter((name) => !name.startsWith('refs/mirror/'));
    const files = ['HEAD', 'packed-refs', ...names.sort()];
    return files.map((name) => `${name}\0${readText(join(gitDir, name))}`).join('\0');
  } catch {
    return null;
  }
}

const known = new Map<string, Refs>();

/**
 * Reads all refs but those that are staged. The same files mean the same refs, and are looked at by git once. Whether
 * the objects are there, `git fsck` tells.
 */
export async function refsOf(sandbox: Sandbox, repository: string): Promise<Refs> {
  const text = textOfRefs(sandbox, repository);
  const refs = (text === null ? undefined : known.get(text)) ?? (await readRefs(sandbox, repository));
  if (text !== null) known.set(text, refs);
  return refs;
}

/** What a clone should hold of canonical's refs, and for which of its refs this says everything. */
export interface Mapping {
  expected(canonical: Refs): Refs;
  covers(name: string): boolean;
}

function branchesAndTags(canonical: Refs, branchesTo: string): Record<string, string> {
  const refs: Record<string, string> = {};
  for (const [name, value] of Object.entries(canonical)) {
    if (name.startsWith('refs/heads/')) refs[branchesTo + name.slice('refs/heads/'.length)] = value;
    if (name.startsWith('refs/tags/')) refs[name] = value;
  }
  return refs;
}

/** After `git fetch` in a clone: remote-tracking branches and tags; the clone's own branches stay apart. */
export const asFetched: Mapping = {
  expected: (canonical) => branchesAndTags(canonical, 'refs/remotes/origin/'),
  covers: (name) => /^refs\/(?:remotes\/origin|tags)\//.test(name) && name !== 'refs/remotes/origin/HEAD',
};

/** After `git clone`: as fetched, the remote's HEAD, and the one branch that is checked out. */
export const asCloned: Mapping = {
  expected(canonical) {
    const head = canonical['HEAD'] ?? '';
    const branch = head.replace('ref: refs/heads/', '');
    return {
      ...asFetched.expected(canonical),
      HEAD: head,
      [`refs/heads/${branch}`]: canonical[`refs/heads/${branch}`] ?? '',
      'refs/remotes/origin/HEAD': `ref: refs/remotes/origin/${branch}`,
    };
  },
  covers: () => true,
};

/** After `git clone --bare`: branches, tags and HEAD under their own names. */
export const asBare: Mapping = {
  expected: (canonical) => ({
    ...branchesAndTags(canonical, 'refs/heads/'),
    HEAD: canonical['HEAD'] ?? '',
  }),
  covers: () => true,
};

/** After `git clone --mirror`: everything under its own name. */
export const asMirrored: Mapping = { expected: (canonical) => canonical, covers: () => true };

/** Compares a clone with canonical: how many refs were expected, and one line for each that differs. */
export async function compareRefs(
  sandbox: Sandbox,
  clone: string,
  canonical: string,
  mapping: Mapping,
): Promise<{ expected: number; differences: string[] }> {
  const expected = mapping.expected(await refsOf(sandbox, canonical));
  const held = await refsOf(sandbox, clone);
  const names = new Set([
    ...Object.keys(expected),
    ...Object.keys(held).filter((name) => mapping.covers(name)),
  ]);
  const differences = [...names]
    .filter((name) => expected[name] !== held[name])
    .map((name) => `${name}: expected ${expected[name] ?? 'nothing'}, found ${held[name] ?? 'nothing'}`);
  return { expected: Object.keys(expected).length, differences };
}
