import { MIRROR_NAMESPACE, parseStagedRefs, type StagedRef, splitSwept } from '../mirror/staged.ts';
import { deleteRefs } from './refs.ts';
import { gitOutput, type RunOptions } from './run.ts';

const FORMAT = '--format=%(refname) %(objectname) %(*objectname)';

/** Lists what is staged in a repository; `options` name it by `cwd` or by GIT_DIR in `env`. */
export async function listStaged(options: RunOptions): Promise<StagedRef[]> {
  return parseStagedRefs(await gitOutput(['for-each-ref', FORMAT, MIRROR_NAMESPACE], options));
}

/**
 * Sweeps refs/mirror/* by revision walk: the staged tips are interesting, every real ref is not, and a
 * staged ref whose tip turns out uninteresting is deleted. What is left is unverified.
 */
export async function sweepStaged(options: RunOptions): Promise<{ gone: StagedRef[]; left: StagedRef[] }> {
  const staged = await listStaged(options);
  if (staged.length === 0) return { gone: [], left: [] };
  const tips = [...new Set(staged.map((ref) => ref.peeled))];
  const real = ['--not', `--exclude=${MIRROR_NAMESPACE}*`, '--all'];
  const input = `${tips.join('\n')}\n`;
  const walked = await gitOutput(['rev-list', '--stdin', ...real], { ...options, input });
  const split = splitSwept(staged, new Set(walked.split('\n')));
  await deleteRefs(split.gone, options);
  return split;
}
