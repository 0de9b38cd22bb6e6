import { devNull } from 'node:os';
import type { ConfigEntry } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { readConfig } from './config.ts';
import type { Environment } from './environment.ts';
import { type ConflictEntry, isConflict, parseIndexEntry } from './index-entry.ts';
import { mergeWithoutRenames } from './merge-without-renames.ts';
import { type RunOptions, runGit } from './run.ts';
import { withSideRefs } from './side-refs.ts';
import { gitVersion } from './version.ts';

/** What `git merge-tree` makes of two commits. */
export interface TreeMerge {
  /** Where there were conflicts, files in it hold conflict markers. */
  tree: string;
  isClean: boolean;
  /** May be empty though the merge is not clean. */
  conflicts: ConflictEntry[];
}

/**
 * Reads what `git merge-tree --write-tree -z --no-messages` prints (git-merge-tree(1), OUTPUT).
 *
 * @param text latin1
 * @throws GamError `git-failed`
 */
export function parseTreeMerge(text: string, isClean: boolean): TreeMerge {
  const [tree = '', ...rest] = text.split('\0');
  const entries = rest.slice(0, -1).map(parseIndexEntry);
  const conflicts = entries.filter(isConflict);
  if (conflicts.length < entries.length || !/^[0-9a-f]{40,64}$/.test(tree) || rest.at(-1) !== '')
    throw new GamError('git-failed', 'git merge-tree says what gam cannot read');
  return { tree, isClean, conflicts };
}

/** Has no influence on what is there: nobody's configuration, attributes, replacements, or language. */
const NOBODY: Environment = {
  GIT_CONFIG_GLOBAL: devNull,
  GIT_CONFIG_SYSTEM: devNull,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_ATTR_SOURCE: undefined,
  GIT_NO_REPLACE_OBJECTS: '1',
  LC_ALL: 'C',
};

// How git finds missing objects of a partial clone (gitremote-helpers(7) aside, what fetches need); none of it changes what a merge makes.
const REACHING = new Set(['remote', 'url', 'http', 'credential', 'protocol', 'ssh']);
// How objects are written where several users share a repository, and how safely: not what is in them.
const WRITING = new Set(['sharedrepository', 'fsync', 'fsyncmethod', 'fsyncobjectfiles']);

function harmless(entries: readonly ConfigEntry[]): Environment {
  const isPartial = entries.some(({ section, name }) => section === 'remote' && name === 'promisor');
  const reaches = ({ section, name }: ConfigEntry) =>
    REACHING.has(section) || (section === 'core' && name === 'sshcommand');
  const kept = entries
    .filter((entry) => (entry.section === 'core' && WRITING.has(entry.name)) || (isPartial && reaches(entry)))
    .map(({ section, subsection, name, value }) => {
      const key = [section, ...(subsection === null ? [] : [subsection]), name].join('.');
      return [key, value ?? 'true'] as const;
    });
  const named = kept.flatMap(([key, value], n) => [
    [`GIT_CONFIG_KEY_${n}`, key],
    [`GIT_CONFIG_VALUE_${n}`, value],
  ]);
  return { ...Object.fromEntries(named), GIT_CONFIG_COUNT: String(kept.length) };
}

/**
 * Runs something where git sees the objects of a repository and nothing else that could make a merge come out in another way: no
 * configuration, no attributes, no work tree, no replacements. What a merge makes is then a function of the commits alone.
 */
export async function aloneWithObjects<T>(
  options: RunOptions,
  run: (alone: RunOptions) => Promise<T>,
): Promise<T> {
  const settings = harmless(await readConfig(options));
  // What a push brings is not in the repository yet while its hooks run (git-receive-pack(1), quarantine environment).
  const name = 'GIT_ALTERNATE_OBJECT_DIRECTORIES';
  const alternates = { [name]: options.env?.[name] };
  return withSideRefs(new Map(), options, (env) =>
    run({ ...options, env: { ...env, ...NOBODY, ...alternates, ...settings } }),
  );
}

/** What a merge depends on; another value of any is another rule. Whether a commit-graph is there decides the order of bases. */
const FIXED = [
  'merge.renames=true',
  'merge.renameLimit=7000',
  'merge.directoryRenames=false',
  'merge.conflictStyle=merge',
  'merge.renormalize=false',
  'core.commitGraph=false',
  `core.attributesFile=${devNull}`,
].flatMap((setting) => ['-c', setting]);

/** The oldest git that merges without a work tree. */
const MERGE_TREE_GIT = '2.38';

/**
 * Merges two commits into a tree, which is written; no ref, no work tree and no index is looked at. Histories that have nothing in common
 * are merged, too.
 *
 * @param options as aloneWithObjects() gives them
 * @throws GamError `git-missing` where git is older than 2.38, `git-failed`
 */
export async function mergeTree(
  [first, second]: readonly [string, string],
  options: RunOptions,
): Promise<TreeMerge> {
  const flags = ['--write-tree', '-z', '--no-messages', '--allow-unrelated-histories'];
  const { status, signal, stdout, stderr } = await runGit([...FIXED, 'merge-tree', ...flags, first, second], {
    ...options,
    encoding: 'latin1',
  });
  if (status === 0 || status === 1) return parseTreeMerge(stdout, status === 0);
  if (status === 129) {
    const version = await gitVersion(options);
    throw new GamError('git-missing', `merging needs git ${MERGE_TREE_GIT}; here is ${version}`, {
      suggestion: 'install a newer git',
    });
  }
  // A link renamed to where the other side made a file, and a submodule in its place: git to 2.55 fails an assertion (merge-ort.c, handle_content_merge()).
  if (signal === 'SIGABRT') return mergeWithoutRenames([first, second], options);
  const words = stderr.trim().split('\n').at(-1) ?? '';
  throw new GamError('git-failed', `git merge-tree failed: ${printable(words.replace(/^fatal: /, ''))}`);
}
