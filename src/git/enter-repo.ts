import { readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type RunOptions, runGit } from './run.ts';

/** What git tries behind the name that it was given, in this order, where it is not told to be strict. */
const SUFFIXES = ['/.git', '', '.git/.git', '.git'];

function kindOf(path: string): 'file' | 'folder' | null {
  try {
    const found = statSync(path);
    return found.isDirectory() ? 'folder' : found.isFile() ? 'file' : null;
  } catch {
    return null;
  }
}

// As git's is_git_directory(), but for what git will find wrong by itself.
function isGitDir(path: string): boolean {
  const has = (name: string) => kindOf(join(path, name)) !== null;
  return has('HEAD') && (has('commondir') || (has('objects') && has('refs')));
}

/** git reads no more of such a file (setup.c, read_gitfile_gently). */
const LONGEST_GITFILE = 1 << 20;

// Where a file that stands in the place of a git folder leads (gitrepository-layout(5), "gitfile").
function gitfileTarget(file: string): string | null {
  try {
    if (statSync(file).size > LONGEST_GITFILE) return null;
    const target = /^gitdir: (.+?)[\r\n]*$/s.exec(readFileSync(file, 'utf8'))?.[1];
    return target === undefined ? null : resolve(file, '..', target);
  } catch {
    return null;
  }
}

// `~` and `~user` are for git to look up.
async function expanded(path: string, options: RunOptions): Promise<string | null> {
  if (!path.startsWith('~')) return path;
  const { status, stdout } = await runGit(
    ['-c', `gam.path=${path}`, 'config', '--type=path', '-z', '--get', 'gam.path'],
    options,
  );
  return status === 0 ? stdout.replace(/\0$/, '') : null;
}

/**
 * The git folder that git's upload-pack serves when it is given this name, found as git finds it (path.c, enter_repo):
 * the folder itself, its `.git`, or the same with `.git` behind the name. Whether it may be served is for git to say.
 * @param strict only the folder itself, as `--strict` has it
 * @returns null where there is none
 */
export async function enterRepo(
  name: string,
  strict: boolean,
  options: RunOptions & { cwd: string },
): Promise<string | null> {
  const path = strict ? name : await expanded(name.replace(/(?<=.)\/+$/, ''), options);
  if (path === null || path === '') return null;
  for (const suffix of strict ? [''] : SUFFIXES) {
    const candidate = resolve(options.cwd, path + suffix);
    const kind = kindOf(candidate);
    if (kind === 'folder' && isGitDir(candidate)) return candidate;
    if (kind !== 'file') continue;
    const target = gitfileTarget(candidate);
    return target !== null && isGitDir(target) ? target : null;
  }
  return null;
}
