import { rm } from 'node:fs/promises';
import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row, Sample, Way } from '../measure/row.ts';
import { measured, type Stage } from '../measure/stage.ts';

/** Fetches one commit by its id into an empty repository, as actions/checkout does. */
async function fetchedById(stage: Stage, url: string, mirror: string | null): Promise<Sample> {
  const { sandbox } = stage;
  const { stdout } = await sandbox.git(['rev-parse', 'HEAD'], { cwd: 'repositories/canonical.git' });
  await sandbox.git(['init', '-q', 'checkout']);
  const cwd = 'checkout';
  await sandbox.git(['remote', 'add', 'origin', url], { cwd });
  if (mirror !== null) await sandbox.git(['config', 'remote.origin.mirrorUrl', mirror], { cwd });
  const refspec = `+${stdout.trim()}:refs/remotes/origin/x`;
  const args = ['fetch', '-q', '--no-tags', '--prune', '--no-recurse-submodules', '--depth=1'];
  const sample = await measured(stage, 'git', [...args, 'origin', refspec], { cwd });
  await rm(sandbox.path(cwd), { recursive: true });
  return sample;
}

export const ACTIONS_CHECKOUT: Row = {
  name: 'actions-checkout',
  title:
    'The fetch of actions/checkout (--depth=1, one commit by its id) with a fresh mirror near by, beside plain git',
  aim: 'clearly faster',
  rounds: 5,
  async set(stage) {
    const { canonical, fresh } = stage.scene;
    const ways: [Way, Way] = [
      { title: 'plain, from canonical', run: () => fetchedById(stage, canonical.url, null) },
      { title: 'through gam', run: () => fetchedById(stage, `mirror::${canonical.url}`, fresh.url) },
    ];
    return { ways, figures: [TIME, FROM_CANONICAL, FROM_MIRRORS] };
  },
};
