import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Sandbox } from './sandbox.ts';

/** Every ref of a repository, and HEAD: an object id, or `ref: <name>` for a symbolic one. */
export type Refs = Readonly<Record<string, string>>;

/** Reads all refs but those that are staged. */
export async function refsOf(sandbox: Sandbox, repository: string): Promise<Refs> {
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

// What the refs of a bare repository depend on where they are files (gitrepository-layout(5)).
function textOfRefs(gitDir: string): string | null {
  if (!existsSync(join(gitDir, 'HEAD')) || existsSync(join(gitDir, 'reftable'))) return null;
  const refs = readdirSync(join(gitDir, 'refs'), { recursive: true, withFileTypes: true });
  const names = refs.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const files = ['HEAD', 'packed-refs'].map((name) => join(gitDir, name)).filter((name) => existsSync(name));
  return [...files, ...names].map((name) => `${name}\n${readFileSync(name, 'latin1')}`).join('\n');
}

const known = new Map<string, { text: string; refs: Refs }>();

/** refsOf() of a repository that is asked again and again and hardly changes; where it has not changed, no git is started. */
async function refsOfCanonical(sandbox: Sandbox, repository: string): Promise<Refs> {
  const gitDir = sandbox.path(repository);
  const text = textOfRefs(gitDir);
  const last = known.get(gitDir);
  if (text !== null && last?.text === text) return last.refs;
  const refs = await refsOf(sandbox, repository);
  if (text !== null) known.set(gitDir, { text, refs });
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
  const expected = mapping.expected(await refsOfCanonical(sandbox, canonical));
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
