import type { Exchanged } from './exchange.ts';
import type { Pair } from './pair.ts';

const short = (oid: string | null) => (oid ?? '').slice(0, 12);

/** What an exchange did, or would do, in one line. */
export function syncedLine(
  { kind, remote: name, branch, remoteRef, before, after }: Exchanged & Pair,
  isRehearsal: boolean,
): string {
  const way = before === null ? `at ${short(after)}` : `from ${short(before)} to ${short(after)}`;
  // As git has it for an upstream of another name.
  const remote =
    remoteRef === `refs/heads/${branch}` ? name : `${name}/${remoteRef.slice('refs/heads/'.length)}`;
  const would = isRehearsal ? 'would be ' : '';
  switch (kind) {
    case 'nothing':
      return `${branch}: no commit yet, here or at ${remote}`;
    case 'up-to-date':
      return `${branch} is up to date with ${remote}`;
    case 'forwarded':
      return `${branch} ${would}brought forward from ${remote}, ${way}`;
    case 'pushed':
      return `${branch} ${would}pushed to ${remote}, at ${short(after)}`;
    case 'merged':
      return `${branch} ${would}merged with ${remote}, ${way}, and pushed`;
  }
}
