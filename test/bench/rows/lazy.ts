import { cp, rm } from 'node:fs/promises';
import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row, Way } from '../measure/row.ts';
import { measured, type Stage } from '../measure/stage.ts';

/** `git log -p` over 20 commits in a partial clone that has no blob of them: a fetch for each. */
async function looked(stage: Stage, title: string, url: string, mirror: string | null): Promise<Way> {
  const { sandbox, scene } = stage;
  const ready = `lazy-${mirror === null ? 'plain' : 'gam'}`;
  await sandbox.git(['clone', '-q', '--filter=blob:none', '--no-checkout', scene.atHand, ready]);
  await sandbox.git(['config', 'remote.origin.url', url], { cwd: ready });
  if (mirror !== null) await sandbox.git(['config', 'remote.origin.mirrorUrl', mirror], { cwd: ready });
  const run = async () => {
    // As if the clone had been made yesterday: the first of the twenty has canonical greet.
    await rm(sandbox.path('home/.local/state/gam/greetings'), { recursive: true, force: true });
    await cp(sandbox.path(ready), sandbox.path('looked'), { recursive: true });
    const sample = await measured(stage, 'git', ['log', '-p', '-20', '--format=%H'], { cwd: 'looked' });
    await rm(sandbox.path('looked'), { recursive: true });
    return sample;
  };
  return { title, run };
}

export const LAZY: Row = {
  name: 'lazy',
  title: 'git log -p over 20 commits in a partial clone (--filter=blob:none), with a fresh mirror near by',
  aim: 'clearly faster',
  rounds: 7,
  async set(stage) {
    const { canonical, fresh } = stage.scene;
    return {
      ways: [
        await looked(stage, 'plain, from canonical', canonical.url, null),
        await looked(stage, 'through gam', `mirror::${canonical.url}`, fresh.url),
      ],
      figures: [TIME, FROM_CANONICAL, FROM_MIRRORS],
    };
  },
};
