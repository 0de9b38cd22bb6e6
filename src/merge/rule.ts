/**
 * The version of the rule by which merges are made. Whatever changes what the same parents come to, such as another setting for `git merge-tree`,
 * another name for a kept version, or another wording, is another rule.
 */
export const RULE_VERSION = 1;

/** The trailer that names the rule (git-interpret-trailers(1)). */
export const RULE_TRAILER = 'Gam-Merge';

const IDENTITY = 'gam <merge@gam.invalid>';

/** What to do about what cannot be merged, as far as it enters into the commit. */
export type Settling =
  /** Nothing had to be settled. */
  | { kind: 'clean' }
  /** Both versions stay, side by side. */
  | { kind: 'keep-both' }
  /** The version of this commit stays. */
  | { kind: 'prefer'; oid: string };

/** All that a merge commit is made of. */
export interface MergeParts {
  tree: string;
  /** In order. */
  parents: readonly string[];
  /** The latest committer date among the parents, in seconds since 1970. */
  date: number;
  settling: Settling;
}

function told(settling: Settling): string[] {
  if (settling.kind === 'clean') return [];
  return [`Gam-Conflicts: ${settling.kind === 'prefer' ? `prefer ${settling.oid}` : settling.kind}`];
}

/**
 * The bytes of a merge commit, which are the same wherever the same parents are merged (gitformat-commit in git's Documentation/technical):
 * nobody's name, no clock, no signature, no language.
 */
export function mergeCommit({ tree, parents, date, settling }: MergeParts): string {
  const lines = [
    `tree ${tree}`,
    ...parents.map((parent) => `parent ${parent}`),
    `author ${IDENTITY} ${date} +0000`,
    `committer ${IDENTITY} ${date} +0000`,
    '',
    `Merge ${parents.join(' and ')}`,
    '',
    'Whoever merges these gets this very commit.',
    '',
    ...told(settling),
    `${RULE_TRAILER}: ${RULE_VERSION}`,
    '',
  ];
  return lines.join('\n');
}

/** By object id: the order of parents, and of merging. */
export const byId = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
