import { bundleWays } from '../measure/bundle.ts';
import { compared, FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { cloned, fetched, withMirrors } from '../measure/stage.ts';

export const CLONE_STALE: Row = {
  name: 'clone-stale',
  title: 'Clone with a mirror near by that is 1,000 commits behind, beside a plain fetch of the missing part',
  aim: 'at most 1.1 times the bytes from canonical',
  rounds: 5,
  async set(stage) {
    const { canonical, stale } = stage.scene;
    const args = [...withMirrors([stale]), `mirror::${canonical.url}`];
    return {
      ways: [
        {
          title: 'plain fetch of that part',
          run: () => fetched(stage, { has: 'stale.git', url: canonical.url }),
        },
        { title: 'through gam', run: () => cloned(stage, args) },
        ...(await bundleWays(stage, 'stale.git')),
      ],
      figures: [compared(FROM_CANONICAL), FROM_MIRRORS, TIME],
    };
  },
};
