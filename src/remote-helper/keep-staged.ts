import type { WantedRef } from '../git/fetch-pack.ts';
import type { Quarantine } from '../git/quarantine.ts';
import { deleteRefs, writeRefs } from '../git/refs.ts';
import { listStaged, removeStaleLocks } from '../git/staged.ts';
import { stagedName } from '../mirror/choose.ts';
import { coveringRefs } from './cover.ts';
import type { HauledRef } from './haul.ts';
import { throwIfInterrupted } from './interrupted.ts';
import type { StageOrder, StageTools } from './stage-order.ts';

/**
 * Moves what is in the quarantine into the repository and writes the refs under refs/mirror/<site>/.
 * @returns the refs written, which lead to everything that came, and the packs that are new
 */
export async function keepStaged(
  refs: readonly HauledRef[],
  order: StageOrder,
  quarantine: Quarantine,
  tools: StageTools,
): Promise<{ cover: WantedRef[]; packs: string[] }> {
  const { repository } = order;
  const sites = new Set(refs.map(({ site }) => site));
  const staged = refs.flatMap(({ name, oid, site }) => {
    const to = stagedName(name, site);
    return to === null ? [] : [{ name: to, oid }];
  });
  const env = quarantine.environment(repository.env);
  const cover = await coveringRefs(staged, order.peeled, { env });
  const packs = await quarantine.migrate();
  tools.trace('migrated');
  await throwIfInterrupted(tools.contact.signal);
  try {
    await writeRefs(cover, repository);
  } catch {
    // What an earlier run left may stand in the way: `a` where `a/b` is to go, or a lock.
    for (const site of sites) await removeStaleLocks(site, repository);
    await deleteRefs(
      (await listStaged(repository)).filter(({ site }) => sites.has(site)),
      repository,
    );
    await writeRefs(cover, repository);
  }
  tools.trace('refs-written', { refs: cover.length, site: [...sites].join(',') });
  try {
    await throwIfInterrupted(tools.contact.signal);
  } catch (error) {
    await deleteRefs(cover, repository);
    throw error;
  }
  return { cover, packs };
}
