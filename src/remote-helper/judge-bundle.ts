import { presentObjects } from '../git/objects.ts';
import type { Quarantine } from '../git/quarantine.ts';
import { chooseRefs } from '../mirror/choose.ts';
import type { BundleHeader } from '../protocol/bundle-header.ts';
import type { StageOrder } from './stage-order.ts';

/** Why a bundle is not taken. */
export interface Decline {
  reason: string;
  /** True when it may be taken once others have brought what it builds on. */
  waits: boolean;
  /** True when all of its refs are here already. */
  known: boolean;
}

/** The refs of a bundle that can stand for canonical's: HEAD is no ref of its own. */
export function bundleRefs({ refs }: BundleHeader): Map<string, string> {
  return new Map([...refs].filter(([name]) => name.startsWith('refs/')));
}

/**
 * Judges a bundle by its header, before its pack has come. Its refs are older than canonical's, as those of a mirror that is
 * behind: a branch stands for the branch of the same name, wherever it is, a tag only for the very same.
 *
 * @param alone whether nothing else comes with it: then it must have a ref that is wanted
 * @returns null when it is to be taken
 */
export async function judgeBundle(
  header: BundleHeader,
  order: StageOrder,
  quarantine: Quarantine,
  alone: boolean,
): Promise<Decline | null> {
  const no = (reason: string): Decline => ({ reason, waits: false, known: false });
  if (header.format !== order.format) return no(`has ${header.format} objects`);
  if (header.filter !== null) return no('leaves objects out');
  const refs = bundleRefs(header);
  const { exact, differing, foreign } = chooseRefs(order.wanted, refs);
  if (foreign) return no("has other tags of canonical's names");
  if (refs.size === 0 || (alone && exact.length + differing.length === 0))
    return no('has none of the wanted refs');
  const env = quarantine.environment(order.repository.env);
  const here = await presentObjects([...refs.values(), ...header.prerequisites], { env });
  if ([...refs.values()].every((oid) => here.has(oid)))
    return { reason: 'has nothing new', waits: false, known: true };
  const needs = header.prerequisites.filter((oid) => !here.has(oid)).length;
  if (needs === 0) return null;
  const commits = needs === 1 ? 'a commit that is' : `${needs} commits that are`;
  return { reason: `needs ${commits} not here`, waits: true, known: false };
}
