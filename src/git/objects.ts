import { type RunOptions, runGit } from './run.ts';

/** Which of these objects are here. Only their presence is told, not that what they lead to is here too. */
export async function presentObjects(oids: Iterable<string>, options: RunOptions): Promise<Set<string>> {
  const input = `${[...oids].join('\n')}\n`;
  if (input === '\n') return new Set();
  const { stdout } = await runGit(['cat-file', '--batch-check=%(objectname)'], { ...options, input });
  return new Set(stdout.split('\n').filter((line) => line !== '' && !line.includes(' ')));
}

/**
 * Whether everything that these tips lead to is here: git's own check after a fetch (connected.c), which
 * walks from the tips to what the existing refs already vouch for.
 */
export async function isConnected(tips: Iterable<string>, options: RunOptions): Promise<boolean> {
  const input = `${[...tips].join('\n')}\n`;
  const walk = ['rev-list', '--objects', '--stdin', '--quiet', '--not', '--all'];
  return (await runGit(walk, { ...options, input })).status === 0;
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
