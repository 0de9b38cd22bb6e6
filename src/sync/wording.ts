import { GamError } from '../errors.ts';
import type { KeptBoth } from '../merge/keep-both.ts';
import { printablePath } from '../protocol/text.ts';
import type { Exchanged } from './exchange.ts';
import type { Pair } from './pair.ts';

/** So many names of files are told. */
const NAMED = 5;

function named(paths: readonly string[]): string {
  const more = paths.length > NAMED ? ` and ${paths.length - NAMED} more` : '';
  return paths.slice(0, NAMED).map(printablePath).join(', ') + more;
}

/** What is said of files that could not be merged. @param suggestion what to do about them */
export function conflictError(paths: readonly string[], suggestion: string): GamError {
  const what = paths.length === 0 ? 'renamed files and folders' : named(paths);
  return new GamError('merge-conflict', `cannot be merged: ${what}; nothing was changed`, { suggestion });
}

/** What is said of a file of which both versions were kept. */
export function keptLine({ path, aside }: KeptBoth): string {
  const where =
    aside === null
      ? 'one version stays, the other is in the history'
      : `the other version is ${printablePath(aside)}`;
  return `${printablePath(path)} was changed on both sides: ${where}`;
}

/** The same for scripts. */
export const keptJson = ({ path, aside }: KeptBoth): KeptBoth => ({
  path: printablePath(path),
  aside: aside === null ? null : printablePath(aside),
});

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
