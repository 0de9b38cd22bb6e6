import { join } from 'node:path';
import { type RunOptions, runGit } from './run.ts';

/** Which of these objects are here. Only their presence is told, not that what they lead to is here too. */
export async function presentObjects(oids: Iterable<string>, options: RunOptions): Promise<Set<string>> {
  const input = `${[...oids].join('\n')}\n`;
  if (input === '\n') return new Set();
  const { stdout } = await runGit(['cat-file', '--batch-check=%(objectname)'], { ...options, input });
  return new Set(stdout.split('\n').filter((line) => line !== '' && !line.includes(' ')));
}

/** The types of those of these objects that are here, one for each. */
export async function objectTypes(oids: Iterable<string>, options: RunOptions): Promise<string[]> {
  const input = `${[...oids].join('\n')}\n`;
  const { stdout } = await runGit(['cat-file', '--batch-check=%(objecttype)'], { ...options, input });
  return stdout.split('\n').filter((line) => line !== '' && !line.includes(' '));
}

/**
 * Whether everything that these tips lead to is here: git's own check after a fetch (connected.c), which
 * walks from the tips to what the existing refs already vouch for.
 *
 * @param proven more objects of which that is known
 */
export async function isConnected(
  tips: Iterable<string>,
  options: RunOptions,
  proven: Iterable<string> = [],
): Promise<boolean> {
  const input = [...tips, ...[...proven].map((oid) => `^${oid}`)].map((line) => `${line}\n`).join('');
  const walk = ['rev-list', '--objects', '--stdin', '--quiet', '--not', '--all'];
  return (await runGit(walk, { ...options, input })).status === 0;
}

/**
 * Whether packs in an object folder are what they were when they were indexed: git reads every object, and compares it
 * with its id (git-verify-pack(1)).
 */
export async function areSoundPacks(
  objects: string,
  packs: readonly string[],
  options: RunOptions,
): Promise<boolean> {
  const indexes = packs.map((name) => join(objects, 'pack', `${name}.idx`));
  return (await runGit(['verify-pack', '--', ...indexes], options)).status === 0;
}

/**
 * The commits that lie behind these tips and not behind the others.
 *
 * @param others revisions, or an option of git-rev-list(1) that stands for several, such as `--all`
 */
export async function commitsBeyond(
  tips: Iterable<string>,
  others: readonly string[],
  options: RunOptions,
): Promise<Set<string>> {
  const input = `${[...tips].join('\n')}\n`;
  const { stdout } = await runGit(['rev-list', '--stdin', '--not', ...others], { ...options, input });
  return new Set(stdout.split('\n').filter((line) => line !== ''));
}

/** Commits by their dates. */
export async function youngestFirst(commits: readonly string[], options: RunOptions): Promise<string[]> {
  const list = ['rev-list', '--stdin', '--no-walk=sorted'];
  const { stdout } = await runGit(list, { ...options, input: `${commits.join('\n')}\n` });
  return stdout.split('\n').filter((line) => line !== '');
}

/** How far back ancestors are sampled, and how many are taken one by one before the steps grow. */
const SAMPLE = { depth: 16_384, dense: 16, growth: 1.5 };

/**
 * Commits behind these tips, by date, ever sparser: what git's skipping negotiator would tell a server that does
 * not know the tips themselves, as when a branch was rewritten since a mirror followed it.
 */
export async function sampledAncestors(tips: readonly string[], options: RunOptions): Promise<string[]> {
  if (tips.length === 0) return [];
  const list = ['rev-list', '--stdin', `--max-count=${SAMPLE.depth}`];
  const { stdout } = await runGit(list, { ...options, input: `${tips.join('\n')}\n` });
  const commits = stdout.split('\n').filter((line) => line !== '');
  const sample: string[] = [];
  for (
    let at = 0;
    at < commits.length;
    at = Math.max(at + 1, at < SAMPLE.dense ? 0 : Math.floor(at * SAMPLE.growth))
  ) {
    sample.push(commits[at] as string);
  }
  return sample;
}
