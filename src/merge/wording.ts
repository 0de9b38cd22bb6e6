import { GamError } from '../errors.ts';
import { printablePath } from '../protocol/text.ts';
import type { KeptBoth } from './keep-both.ts';

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

/**
 * What is said of a file of which both versions were kept. Without one beside it, the other side may have made another commit of a submodule of it,
 * another name, or nothing.
 */
export function keptLine({ path, aside }: KeptBoth): string {
  const name = printablePath(path);
  return aside === null
    ? `${name} could not be merged: one version stays, what the other side made of it is in the history`
    : `${name} was changed on both sides: the other version is ${printablePath(aside)}`;
}

/** The same for scripts. */
export const keptJson = ({ path, aside }: KeptBoth): KeptBoth => ({
  path: printablePath(path),
  aside: aside === null ? null : printablePath(aside),
});
