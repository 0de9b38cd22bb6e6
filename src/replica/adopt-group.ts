import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { gitOutput, type RunOptions } from '../git/run.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import { GROUP_REF } from './group.ts';
import { placesOf } from './places.ts';

/** Writes the group's document where this member's configuration includes it; a reader sees the old or the new one whole. */
export function writeGroupFile(gitDir: string, text: string): void {
  const { folder, group } = placesOf(gitDir);
  mkdirSync(folder, { recursive: true });
  const draft = `${group}.${process.pid}`;
  writeFileSync(draft, text);
  renameSync(draft, group);
}

/** Takes over the group's document, where refs that moved here brought another one. */
export async function adoptGroup(
  gitDir: string,
  moved: readonly RefUpdate[],
  run: RunOptions,
): Promise<void> {
  const oid = moved.find(({ ref }) => ref === GROUP_REF)?.new;
  if (oid) writeGroupFile(gitDir, await gitOutput(['cat-file', 'blob', oid], run));
}
