import { devNull } from 'node:os';
import { GamError } from '../errors.ts';
import { aloneWithObjects } from '../git/merge-tree.ts';
import { gitOutput, type RunOptions, runGit } from '../git/run.ts';
import type { KeptBoth } from './keep-both.ts';
import { byId, mergeCommit, RULE_TRAILER, RULE_VERSION } from './rule.ts';
import { mergeTwoTrees } from './two-trees.ts';

/** What to do about what cannot be merged: nothing; keep both versions; or keep the version of one commit. */
export type ConflictPolicy = 'stop' | 'keep-both' | { prefer: string };

/** How heads are merged. */
export interface MergeOptions {
  run: RunOptions;
  onConflict: ConflictPolicy;
  /** Whether histories that have nothing in common are merged. */
  allowUnrelated?: boolean;
}

/** What heads come to. */
export type Merged =
  /** One commit has all of them. */
  | { kind: 'forward'; oid: string }
  /** A merge, which is written; no ref is. */
  | { kind: 'merged'; oid: string; kept: KeptBoth[] }
  /** Nothing was made. */
  | { kind: 'conflict'; parents: readonly [string, string]; paths: string[] };

interface Head {
  oid: string;
  /** In seconds since 1970. */
  date: number;
  /** Sorted. */
  parents: string[];
  isOurs: boolean;
}

const BY_US = 'merge@gam.invalid';
/** A date that git can read, and that every number here holds exactly; a broken clock, or a joke, may be later. */
const LATEST_DATE = Number.MAX_SAFE_INTEGER;

async function readHeads(oids: readonly string[], run: RunOptions): Promise<Head[]> {
  const format = '--format=%H %ct %P%x00%ce';
  const args = ['log', '--no-walk=unsorted', '--no-show-signature', '--encoding=UTF-8', format, ...oids];
  const told = await gitOutput(args, run);
  return told
    .trim()
    .split('\n')
    .map((line) => {
      const [words = '', email] = line.split('\0');
      const [oid = '', date = '', ...parents] = words.split(' ').filter((word) => word !== '');
      return {
        oid,
        date: Math.min(Number(date), LATEST_DATE),
        parents: parents.sort(byId),
        isOurs: email === BY_US,
      };
    });
}

/** Of merges of the same parents that differ all the same, as another git may make them, the smallest id stays. */
function withoutTwins(heads: readonly Head[]): Head[] {
  const nameOf = ({ oid, isOurs, parents }: Head) => (isOurs && parents.length > 1 ? parents.join(' ') : oid);
  const first = new Map<string, Head>();
  for (const head of heads) if (!first.has(nameOf(head))) first.set(nameOf(head), head);
  return [...first.values()];
}

// Everybody would have to have the same rule; so whoever meets another one leaves it alone.
async function checkRules([first, second]: readonly [string, string], run: RunOptions): Promise<void> {
  const format = `--format=%ce %(trailers:key=${RULE_TRAILER},valueonly,separator=%x20)`;
  const args = ['log', '--min-parents=2', '--no-show-signature', format, `${first}...${second}`];
  const told = await gitOutput(args, run);
  const other = told
    .split('\n')
    .find((line) => line.startsWith(`${BY_US} `) && line !== `${BY_US} ${RULE_VERSION}`);
  if (other === undefined) return;
  throw new GamError(
    'merge-rule',
    `there are merges by another rule (${other.slice(BY_US.length + 1)}) than that of this gam (${RULE_VERSION})`,
    { suggestion: 'bring gam to the same version on all machines' },
  );
}

async function areRelated(pair: readonly [string, string], run: RunOptions): Promise<boolean> {
  return (await runGit(['merge-base', ...pair], run)).status === 0;
}

function settlingOf(policy: ConflictPolicy): Parameters<typeof mergeTwoTrees>[1] {
  if (policy === 'stop') return null;
  return policy === 'keep-both' ? { kind: policy } : { kind: 'prefer', oid: policy.prefer };
}

async function mergePair(
  [one, other]: readonly [Head, Head],
  { onConflict }: MergeOptions,
  alone: RunOptions,
): Promise<Merged> {
  const heads = [one, other].sort((a, b) => byId(a.oid, b.oid));
  const parents = heads.map(({ oid }) => oid) as [string, string];
  const merged = await mergeTwoTrees(parents, settlingOf(onConflict), alone);
  if (merged.kind === 'conflict') return { ...merged, parents };
  const { tree, settling, kept } = merged;
  const text = mergeCommit({ tree, parents, date: Math.max(one.date, other.date), settling });
  const oid = await gitOutput(['hash-object', '-t', 'commit', '-w', '--stdin'], { ...alone, input: text });
  return { kind: 'merged', oid: oid.trim(), kept };
}

async function needWholeHistory(run: RunOptions): Promise<void> {
  const isShallow = await gitOutput(['rev-parse', '--is-shallow-repository'], run);
  if (isShallow.trim() === 'true')
    throw new GamError('history-cut', 'here is only a part of the history, and a merge needs all of it', {
      suggestion: 'git fetch --unshallow brings the rest',
    });
}

/**
 * Merges commits into one, which depends on nothing but them: wherever they are merged, it has the same id. So two who merge at the same
 * time have nothing left to merge. Commits that another one leads to count for nothing; of more than two, those with the smaller
 * ids are merged first.
 *
 * @param oids commits that are here
 * @throws GamError `merge-rule` where another rule has been at work, `histories-unrelated`, `history-cut` in a shallow repository, `git-missing` where git is older than 2.38, `git-failed`
 */
export async function mergeHeads(oids: readonly string[], options: MergeOptions): Promise<Merged> {
  const { run, onConflict, allowUnrelated = false } = options;
  // Neither a replacement nor a graft (gitrepository-layout(5), info/grafts) of this repository changes who has which parents.
  const real = { ...run, env: { ...run.env, GIT_NO_REPLACE_OBJECTS: '1', GIT_GRAFT_FILE: devNull } };
  const independent = (await gitOutput(['merge-base', '--independent', ...oids], real)).trim().split('\n');
  const read = await readHeads(independent, real);
  const heads = withoutTwins(read.sort((a, b) => byId(a.oid, b.oid)));
  const [first, ...rest] = heads;
  if (first === undefined) throw new GamError('usage', 'there is nothing to merge');
  if (rest.length === 0) return { kind: 'forward', oid: first.oid };
  if (
    typeof onConflict === 'object' &&
    (rest.length > 1 || !heads.some(({ oid }) => oid === onConflict.prefer))
  )
    throw new GamError('usage', 'one of two commits can be preferred');
  await needWholeHistory(real);
  return aloneWithObjects(run, async (alone) => {
    let so = first;
    const kept: KeptBoth[] = [];
    for (const head of rest) {
      const pair = [so.oid, head.oid] as const;
      await checkRules(pair, alone);
      if (!allowUnrelated && !(await areRelated(pair, alone)))
        throw new GamError('histories-unrelated', 'the two histories have nothing in common', {
          suggestion: 'where they are meant to become one: --allow-unrelated-histories',
        });
      const merged = await mergePair([so, head], options, alone);
      if (merged.kind !== 'merged') return merged;
      kept.push(...merged.kept);
      so = {
        oid: merged.oid,
        date: Math.max(so.date, head.date),
        parents: pair.toSorted(byId),
        isOurs: true,
      };
    }
    return { kind: 'merged', oid: so.oid, kept };
  });
}
