import { presentObjects } from './objects.ts';
import { type RunOptions, runGit } from './run.ts';

/** How far a mirror is behind canonical; null where that cannot be told. */
export interface Lag {
  commits: number | null;
  /** Between the newest commits on either side, by their committer dates. */
  seconds: number | null;
}

/** Nothing is fetched on demand, as a partial clone would, only to count. */
const NO_LAZY_FETCH = { GIT_NO_LAZY_FETCH: '1' };

async function newest(oids: readonly string[], options: RunOptions): Promise<number | null> {
  const input = `${oids.join('\n')}\n`;
  const { stdout } = await runGit(['log', '--no-walk', '--stdin', '--format=%ct'], { ...options, input });
  const dates = stdout.split('\n').filter((line) => /^[0-9]+$/.test(line));
  return dates.length === 0 ? null : dates.reduce((most, date) => Math.max(most, Number(date)), 0);
}

/**
 * Counts what canonical's branches have and the mirror's branches of the same names have not. That needs the commits
 * of both: where one is not here, as outside a repository, only a mirror that is level with canonical can be told.
 *
 * @param canonical object ids by ref name, as `mirror`
 */
export async function lagBehind(
  canonical: ReadonlyMap<string, string>,
  mirror: ReadonlyMap<string, string>,
  options: RunOptions,
): Promise<Lag> {
  const branches = [...canonical].filter(([name]) => name.startsWith('refs/heads/'));
  if (branches.every(([name, oid]) => mirror.get(name) === oid)) return { commits: 0, seconds: 0 };
  const own = { ...options, env: { ...options.env, ...NO_LAZY_FETCH } };
  const theirs = branches.flatMap(([name]) => mirror.get(name) ?? []);
  const tips = branches.map(([, oid]) => oid);
  const all = new Set([...tips, ...theirs]);
  const here = await presentObjects(all, own);
  if (theirs.length === 0 || here.size < all.size) return { commits: null, seconds: null };
  const input = `${[...tips, ...theirs.map((oid) => `^${oid}`)].join('\n')}\n`;
  const counted = await runGit(['rev-list', '--count', '--stdin'], { ...own, input });
  const [latest, theirLatest] = [await newest(tips, own), await newest(theirs, own)];
  return {
    commits: counted.status === 0 ? Number(counted.stdout) : null,
    seconds: latest === null || theirLatest === null ? null : Math.max(0, latest - theirLatest),
  };
}
