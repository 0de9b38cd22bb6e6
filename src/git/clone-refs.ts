import type { CloneRef } from '../mirror/view-refs.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** Read from packed-refs and files alone, without a look at an object. */
const NAMES = '%(objectname) %(refname) %(symref)';

/** git opens each object for these, and stops at one that is not there. */
const PEELED = `%(objecttype) %(*objecttype) %(*objectname) ${NAMES}`;

async function forEachRef(gitDir: string, format: string, options: RunOptions): Promise<string> {
  // In the folder, and not by GIT_DIR: git does not touch what it would not serve (safe.directory). A bare repository was named
  // by its path, and may always be found.
  const args = ['-c', 'safe.bareRepository=all', 'for-each-ref', `--format=${format}`];
  return gitOutput(args, { ...options, cwd: gitDir });
}

/**
 * Where all refs of a repository stand, as a text that is another one when one of them has changed.
 * @throws GamError `git-failed` where git will not work there
 */
export async function refsMark(gitDir: string, options: RunOptions): Promise<string> {
  return forEachRef(gitDir, NAMES, options);
}

/**
 * All refs of a repository, and what annotated tags lead to.
 * @throws GamError `git-failed` where git will not work there, or an object that a ref names is missing
 */
export async function cloneRefs(gitDir: string, options: RunOptions): Promise<CloneRef[]> {
  const lines = (await forEachRef(gitDir, PEELED, options)).split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [type, of, to = '', oid = '', name = '', symref = ''] = line.split(' ');
    // git before 2.45 looks behind the first tag only.
    const peeled = type === 'tag' && of === 'tag' ? null : to;
    return { name, oid, symref, peeled };
  });
}
