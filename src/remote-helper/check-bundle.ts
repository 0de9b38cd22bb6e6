import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isConnected, presentObjects } from '../git/objects.ts';
import type { Quarantine } from '../git/quarantine.ts';
import type { BundleHeader } from '../protocol/bundle-header.ts';
import type { Indexed } from './indexing.ts';
import { bundleRefs } from './judge-bundle.ts';
import { elsewhere, type StageOrder } from './stage-order.ts';

/**
 * Checks that everything which the refs of a bundle lead to is here. A pack that fails is taken out of the quarantine.
 *
 * @param known tips that earlier bundles brought, with all they lead to
 * @throws GamError with `tryElsewhere` when the history has holes
 */
export async function checkBundle(
  header: BundleHeader,
  { pack, whole }: Indexed,
  known: ReadonlySet<string>,
  { repository: { env } }: StageOrder,
  quarantine: Quarantine,
): Promise<void> {
  const tips = new Set(bundleRefs(header).values());
  const inPack = whole ? await presentObjects(tips, { env: quarantine.alone(env) }) : new Set();
  const unproven = [...tips].filter((oid) => !inPack.has(oid));
  if (unproven.length === 0) return;
  if (await isConnected(unproven, { env: quarantine.environment(env) }, known)) return;
  for (const ending of ['idx', 'rev', 'pack'])
    await rm(join(quarantine.folder, 'pack', `pack-${pack}.${ending}`), { force: true });
  throw elsewhere('mirror-broken', 'has an incomplete history');
}
