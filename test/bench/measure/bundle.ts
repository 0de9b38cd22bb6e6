import { gitVersion, isAtLeast } from '../../../src/git/version.ts';
import type { Way } from './row.ts';
import { cloned, type Stage } from './stage.ts';

/** The first git that clones with `--bundle-uri`. */
const BUNDLE_GIT = '2.38';

/** Makes a bundle of everything that a mirror has, where files are served. @returns its name there */
export async function makeBundleOf({ sandbox }: Stage, of: 'canonical.git' | 'stale.git'): Promise<string> {
  const name = of.replace('.git', '.bundle');
  await sandbox.git(['bundle', 'create', '-q', sandbox.path('repositories', name), '--branches', '--tags'], {
    cwd: `repositories/${of}`,
  });
  return name;
}

/**
 * The same clone by git's own means: a bundle of everything that a mirror has, served near by
 * (git-clone(1), `--bundle-uri`). None where git cannot do it yet.
 */
export async function bundleWays(stage: Stage, of: 'canonical.git' | 'stale.git'): Promise<Way[]> {
  const { sandbox, scene } = stage;
  if (!isAtLeast(await gitVersion({ env: sandbox.env, cwd: sandbox.root }), BUNDLE_GIT)) return [];
  const name = await makeBundleOf(stage, of);
  const uri = `--bundle-uri=${scene.files.url}${name}`;
  return [{ title: "git's bundle-uri, near by", run: () => cloned(stage, [uri, scene.canonical.url]) }];
}
