import type { NamedOid } from './choose.ts';

/** With fewer tags there is nothing to cut a history at. */
const FEWEST_TAGS = 8;

/** How many parts a history is cut into. */
const PARTS = 8;

/**
 * Cuts what is to be fetched into parts that are each a history of their own, older tags first: so much is safe when
 * a mirror dies in the middle. Tags tell no date before their objects are here, so their names stand for their
 * age (`v1.9` before `v1.10`); where they do not, a part is larger than it need be, nothing worse.
 *
 * @param goesOn whether something has come and then broke off. Who cloned over a line that breaks every few minutes would
 *   otherwise bring the end of the history, once it has few tags, anew each time: then each tag is worth a cut, and so is
 *   what lies behind the last one
 * @returns one or more parts; everything is in exactly one of them, and all but tags in the last
 */
export function checkpoints(refs: readonly NamedOid[], goesOn: boolean): NamedOid[][] {
  const tags = refs.filter(({ name }) => name.startsWith('refs/tags/'));
  if (tags.length < (goesOn ? 1 : FEWEST_TAGS)) return [[...refs]];
  const others = refs.filter(({ name }) => !name.startsWith('refs/tags/'));
  // Made here, since it takes 5 ms, which every fetch would pay for where it stands alone.
  const byVersion = new Intl.Collator('en', { numeric: true });
  const sorted = tags.toSorted((a, b) => byVersion.compare(a.name, b.name) || (a.name < b.name ? -1 : 1));
  const size = Math.ceil(sorted.length / PARTS);
  const parts: NamedOid[][] = [];
  for (let at = 0; at < sorted.length; at += size) parts.push(sorted.slice(at, at + size));
  const last = goesOn ? [] : (parts.pop() ?? []);
  if (last.length + others.length > 0) parts.push([...last, ...others]);
  return parts;
}
