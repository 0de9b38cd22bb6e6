import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { writeVariables } from '../config/write.ts';
import { storedRefs } from '../git/swap-refs.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import { parseDocument } from './document.ts';
import { GROUP_REF, type Group, writeGroup } from './group.ts';
import { ownVariables } from './migration.ts';
import { placesOf } from './places.ts';
import type { Replica } from './replica.ts';

/**
 * Writes the group's document where this member's configuration includes it, and behind it what is of this member alone; a reader sees
 * the old or the new one whole.
 */
export function writeGroupFile(gitDir: string, document: Group, id: string): void {
  const { folder, group } = placesOf(gitDir);
  mkdirSync(folder, { recursive: true });
  const draft = `${group}.${process.pid}`;
  writeFileSync(draft, writeGroup(document) + writeVariables(ownVariables(document, id)));
  renameSync(draft, group);
}

/**
 * Takes over the group's document, where refs that moved here brought another one. Two that come at once may write their files in another
 * order than their refs: who writes looks again whether the ref is still what he wrote.
 */
export async function adoptGroup(
  { gitDir, self, run }: Pick<Replica, 'gitDir' | 'self' | 'run'>,
  moved: readonly RefUpdate[],
): Promise<void> {
  if (!moved.some(({ ref, new: to }) => ref === GROUP_REF && to !== null)) return;
  const now = async () => (await storedRefs([GROUP_REF], run)).get(GROUP_REF);
  for (let stored = await now(), written = ''; stored?.text && stored.oid !== written; stored = await now()) {
    const document = await parseDocument(stored.text, run);
    if (document !== null) writeGroupFile(gitDir, document, self.id);
    written = stored.oid;
  }
}
