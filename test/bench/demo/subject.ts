import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addHistory, copyEarlier, initBare } from '../../helpers/repository.ts';
import type { Sandbox } from '../../helpers/sandbox.ts';
import type { Screen } from './screen.ts';

/** Commits of the generated history. */
const GENERATED = 20_000;
/** A preparatory clone of someone's URL may take its time. */
const PATIENCE_MS = 30 * 60_000;

/** The repository that is shown, in the three states that its servers and clients are in. */
export interface Subject {
  /** Folder names under `repositories/`. */
  canonical: 'canonical.git';
  stale: 'stale.git';
  /** What a client has that fetched some while ago. */
  old: 'old.git';
  /** What the repository is, for the first screen. */
  title: string;
  bytes: number;
  /** How many commits the stale mirror and the old client are behind. */
  staleBy: number;
  oldBy: number;
}

/** How many commits the stale mirror and the old client are behind. */
export interface Ages {
  stale: number;
  old: number;
}

async function output(sandbox: Sandbox, repository: string, ...args: string[]): Promise<string> {
  return (await sandbox.git(args, { cwd: `repositories/${repository}` })).stdout.trim();
}

async function isShallow(sandbox: Sandbox, path: string): Promise<boolean> {
  const { stdout } = await sandbox.git(['-C', path, 'rev-parse', '--is-shallow-repository'], {
    expectStatus: null,
  });
  return stdout.trim() !== 'false';
}

/** This project's own checkout where there is one, and a generated history, so that numbers mean something. */
async function ownAndGenerated(sandbox: Sandbox, canonical: string): Promise<string> {
  const checkout = fileURLToPath(new URL('../../..', import.meta.url));
  const own = existsSync(`${checkout}/.git`) && !(await isShallow(sandbox, checkout));
  if (own) await sandbox.git(['clone', '--quiet', '--bare', '--no-hardlinks', checkout, canonical]);
  else await initBare(sandbox, canonical);
  const shape = {
    commits: GENERATED,
    files: 200,
    blobSize: 2200,
    tags: 40,
    branches: 8,
    branch: 'generated',
  };
  await addHistory(sandbox, canonical, shape);
  await sandbox.git(['symbolic-ref', 'HEAD', 'refs/heads/generated'], { cwd: canonical });
  return `${own ? "this project's own history and " : ''}${GENERATED.toLocaleString('en')} generated commits`;
}

async function given(sandbox: Sandbox, canonical: string, source: string): Promise<string> {
  const place = existsSync(source) ? resolve(source) : source;
  await sandbox.git(['clone', '--quiet', '--bare', place, canonical], { timeout: PATIENCE_MS });
  return source;
}

/** Copies what canonical had when its default branch was `commits` shorter; says how much shorter exactly. */
async function earlier(sandbox: Sandbox, copy: string, commits: number): Promise<number> {
  const canonical = 'canonical.git';
  const head = await output(sandbox, canonical, 'symbolic-ref', 'HEAD');
  const line = (await output(sandbox, canonical, 'rev-list', '--first-parent', head)).split('\n');
  const missing = async (index: number) =>
    Number(await output(sandbox, canonical, 'rev-list', '--count', `${line[index]}..${head}`));
  // The count grows along the line, by one at least: the first commit with enough behind it, or the root.
  let [low, high] = [0, Math.min(commits, line.length - 1)];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((await missing(middle)) < commits) low = middle + 1;
    else high = middle;
  }
  await copyEarlier(sandbox, `repositories/${canonical}`, `repositories/${copy}`, line[low] ?? head);
  return missing(low);
}

/** Bytes of the objects, without the indexes that every repository makes for itself. */
function objectBytes(repository: string): number {
  const objects = join(repository, 'objects');
  return readdirSync(objects, { recursive: true, encoding: 'utf8' })
    .map((name) => ({ name, stat: statSync(join(objects, name)) }))
    .filter(({ name, stat }) => stat.isFile() && !/\.(?:idx|rev)$/.test(name))
    .reduce((sum, { stat }) => sum + stat.size, 0);
}

/**
 * Makes the repositories of the demo and of the benchmarks: of a path or URL, or of this project and a
 * generated history.
 */
export async function prepareSubject(
  sandbox: Sandbox,
  screen: Screen,
  source: string | undefined,
  ages: Ages,
): Promise<Subject> {
  const canonical = 'canonical.git';
  const path = `repositories/${canonical}`;
  const title = await screen.step(
    source === undefined ? 'making a repository' : 'cloning it to this machine',
    () => (source === undefined ? ownAndGenerated(sandbox, path) : given(sandbox, path, source)),
  );
  const commits = Number(await output(sandbox, canonical, 'rev-list', '--count', 'HEAD'));
  // A small repository is divided so that there is something to be behind of.
  const [staleBy, oldBy] = await screen.step(
    'making its mirrors',
    async (): Promise<[number, number]> => [
      await earlier(sandbox, 'stale.git', Math.min(ages.stale, Math.ceil(commits / 10))),
      await earlier(sandbox, 'old.git', Math.min(ages.old, Math.ceil(commits / 3))),
    ],
  );
  const bytes = objectBytes(sandbox.path(path));
  return { canonical, stale: 'stale.git', old: 'old.git', title, bytes, staleBy, oldBy };
}
