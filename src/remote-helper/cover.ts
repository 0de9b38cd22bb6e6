import type { WantedRef } from '../git/fetch-pack.ts';
import { commitsBeyond } from '../git/objects.ts';
import type { RunOptions } from '../git/run.ts';

/** Up to here every ref is written; 500 loose refs take a good tenth of a second. */
const FEW = 200;

/**
 * Picks refs that lead to everything the given ones lead to. A repository with thousands of tags has most
 * of them on its main branch, and to write each as a file would take longer than the fetch: then only the
 * first ref, and those that it does not reach, are written.
 *
 * @param peeled the commits behind annotated tags, by the tag's id
 */
export async function coveringRefs(
  refs: readonly WantedRef[],
  peeled: ReadonlyMap<string, string>,
  options: RunOptions,
): Promise<WantedRef[]> {
  if (refs.length <= FEW) return [...refs];
  const heads = refs.filter(({ name }) => /^refs\/mirror\/[^/]+\/heads\//.test(name));
  const main = heads.find(({ name }) => /\/heads\/(?:main|master|trunk)$/.test(name)) ?? heads[0];
  if (!main) return [...refs];
  const beyond = await commitsBeyond(new Set(refs.map(({ oid }) => oid)), [main.oid], options);
  return refs.filter((ref) => ref === main || beyond.has(peeled.get(ref.oid) ?? ref.oid));
}
