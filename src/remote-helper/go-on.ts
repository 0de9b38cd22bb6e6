import type { Kept } from '../git/kept-record.ts';
import { areSoundPacks, isConnected } from '../git/objects.ts';
import { hasRefs } from '../git/refs.ts';
import { formatBytes } from '../mirror/account.ts';
import { chooseRefs } from '../mirror/choose.ts';
import { type Haul, openHaul } from './haul.ts';
import { throwIfInterrupted } from './interrupted.ts';
import type { StageOrder, StageTools } from './stage-order.ts';

/**
 * Takes up what an earlier `gam clone` of the same canonical URL has brought before it broke off. It counts as a mirror
 * that is behind: what it has of the wanted refs is chosen as that of a mirror is. git looks anew whether every object is
 * what its id says, and whether all that the tips lead to is there.
 *
 * @returns null when there is nothing, or nothing of use, which then is removed
 */
export async function goOnFromKept(order: StageOrder, tools: StageTools): Promise<Haul | null> {
  const { kept: place, contact, report, trace } = tools;
  const { repository, clone } = order;
  // What a head start of this very run has kept was given up since. A fetch into a repository that has something is no clone.
  if (!place?.found || !clone || (await hasRefs(repository.gitDir, repository))) return null;
  let haul: Haul | null = null;
  try {
    const kept = await place.take();
    if (kept === null) return null;
    haul = await openHaul(order, tools);
    await place.linkInto(haul.quarantine, kept);
    const taken = await proven(kept, order, haul, contact.signal);
    // git may have been ended in the middle of it, which says nothing of what is kept.
    await throwIfInterrupted(contact.signal);
    if (taken !== null) {
      trace('going-on', { bytes: kept.bytes, refs: taken.refs.length });
      report.line(`going on from ${formatBytes(kept.bytes)} that an earlier clone has brought`);
      return taken;
    }
  } catch (error) {
    await haul?.quarantine.remove();
    contact.signal.throwIfAborted();
    trace('kept-unusable', { why: error instanceof Error ? error.message : String(error) });
    await place.drop();
    return null;
  }
  await haul.quarantine.remove();
  await place.drop();
  return null;
}

/** The haul with what was kept; null when that is not sound, or nothing of it is wanted. */
async function proven(
  { format, refs, others, packs, bytes }: Kept,
  order: StageOrder,
  haul: Haul,
  signal: AbortSignal,
): Promise<Haul | null> {
  const { exact, differing, foreign } = chooseRefs(
    order.wanted,
    new Map(refs.map(({ name, oid }) => [name, oid])),
  );
  if (format !== order.format || foreign || exact.length + differing.length === 0) return null;
  const { quarantine } = haul;
  const env = quarantine.alone(order.repository.env);
  const tips = new Set([...refs.map(({ oid }) => oid), ...others]);
  if (!(await areSoundPacks(quarantine.folder, packs, { env, signal }))) return null;
  if (!(await isConnected(tips, { env, signal }))) return null;
  const sites = new Map(refs.map(({ name, site }) => [name, site]));
  const chosen = [...exact, ...differing].map((ref) => ({ ...ref, site: sites.get(ref.name) ?? '' }));
  for (const { oid } of chosen) tips.delete(oid);
  return { ...haul, refs: chosen, others: [...tips], earlier: bytes };
}
