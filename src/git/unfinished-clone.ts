import type { StdioOptions } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { MIRROR_NAMESPACE } from '../mirror/staged.ts';
import type { Environment } from './environment.ts';
import { endProcess, startProcess } from './process.ts';
import { gitOutput, runGit } from './run.ts';

/** `complete`: with all that git clone makes. `unfinished`: nothing but what git clone had made so far. `unclear`: neither is sure. */
export type CloneState = 'complete' | 'unfinished' | 'unclear';

/** The index that a work tree is compared by; gone when that is done. */
const INDEX = 'index.gam';

/** What git clone makes in a repository (gitrepository-layout(5)), with the locks that it holds on the way. */
const MADE = new Set(
  ['HEAD', 'config', 'description', 'hooks', 'info', 'objects', 'refs', 'reftable', 'logs', 'branches']
    .concat(['packed-refs', 'packed-refs.new', 'shallow', 'index', INDEX])
    .flatMap((name) => [name, `${name}.lock`]),
);

/**
 * How far a `git clone` has come that was killed, or that has gone on alone and is through. git writes the index when all
 * files are there. Before that nobody can have worked here by git, and every file must be one that git has begun to write.
 *
 * @param gitDir its repository
 */
export async function cloneState(gitDir: string, env: Environment): Promise<CloneState> {
  const made = readdirSync(gitDir);
  if (made.some((name) => !MADE.has(name))) return 'unclear';
  const options = { env, cwd: gitDir };
  const bare = basename(gitDir) !== '.git';
  const files = bare ? [] : readdirSync(dirname(gitDir)).filter((name) => name !== '.git');
  // Killed while it was made, or removed.
  if (!made.includes('HEAD')) return files.length === 0 && !made.includes('index') ? 'unfinished' : 'unclear';
  const head = await runGit(['--git-dir=.', 'rev-parse', '-q', '--verify', 'HEAD^{commit}'], options);
  const born = head.status === 0;
  if (made.includes('index')) return born && !made.includes('index.lock') ? 'complete' : 'unclear';
  if (!(await areRefsOfClone(gitDir, bare, env))) return 'unclear';
  if (files.length === 0) return 'unfinished';
  return born && (await isBegunCheckout(gitDir, env)) ? 'unfinished' : 'unclear';
}

// git makes the one branch that HEAD names. In a bare clone it cannot be told whose a branch is, nor whether it is the last.
async function areRefsOfClone(gitDir: string, bare: boolean, env: Environment): Promise<boolean> {
  const list = ['--git-dir=.', 'for-each-ref', '--format=%(objectname) %(refname)'];
  const lines = (await gitOutput(list, { env, cwd: gitDir })).split('\n').filter((line) => line !== '');
  const refs = lines.map((line) => ({
    oid: line.slice(0, line.indexOf(' ')),
    name: line.slice(line.indexOf(' ') + 1),
  }));
  const others = refs.filter(({ name }) => !name.startsWith(MIRROR_NAMESPACE));
  if (bare) return others.length === 0;
  const tracked = new Set(
    others.filter(({ name }) => name.startsWith('refs/remotes/')).map(({ oid }) => oid),
  );
  const own = /^ref: (.+)$/m.exec(readFileSync(join(gitDir, 'HEAD'), 'utf8'))?.[1];
  return others.every(
    ({ name, oid }) => /^refs\/(?:remotes|tags)\//.test(name) || (name === own && tracked.has(oid)),
  );
}

/** Whether all files of a work tree are as HEAD has them, or as far as git had written them. */
async function isBegunCheckout(gitDir: string, env: Environment): Promise<boolean> {
  const index = join(gitDir, INDEX);
  const options = { env: { ...env, GIT_INDEX_FILE: index, GIT_NO_LAZY_FETCH: '1' }, cwd: dirname(gitDir) };
  try {
    await gitOutput(['read-tree', 'HEAD'], options);
    const words = ['status', '--porcelain=v1', '-z', '--ignored', '--untracked-files=all', '--no-renames'];
    const changes = (await gitOutput(words, options)).split('\0').filter((change) => change !== '');
    for (const change of changes) {
      // Files that are not written yet show as deleted.
      if (change.startsWith(' D ')) continue;
      if (!change.startsWith(' M ') || !(await isBegunFile(change.slice(3), options))) return false;
    }
    return true;
  } catch {
    return false;
  } finally {
    for (const name of [index, `${index}.lock`]) await rm(name, { force: true });
  }
}

// A file that git was just writing is the beginning of the one that it was to be.
async function isBegunFile(path: string, options: { env: Environment; cwd: string }): Promise<boolean> {
  const stdio: StdioOptions = ['ignore', 'pipe', 'ignore'];
  const file = await open(join(options.cwd, path));
  // Read from at once: node throws away what a child has written that has ended unheard.
  const { child } = startProcess('git', ['cat-file', 'blob', `:${path}`], { ...options, stdio });
  try {
    for await (const chunk of child.stdout ?? []) {
      const whole = chunk as Buffer;
      const { bytesRead, buffer } = await file.read(Buffer.alloc(whole.length), 0, whole.length);
      if (!buffer.subarray(0, bytesRead).equals(whole.subarray(0, bytesRead))) return false;
      if (bytesRead < whole.length) return true;
    }
    return (await file.read(Buffer.alloc(1), 0, 1)).bytesRead === 0;
  } finally {
    endProcess(child);
    await file.close();
  }
}
