import { TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { fetched } from '../measure/stage.ts';

export const FETCH_DEAD: Row = {
  name: 'fetch-dead',
  title: 'Fetch of 100 new commits where two mirrors refuse to be connected, beside plain git',
  aim: 'at most 10 ms, or 1.05 times',
  rounds: 11,
  async set(stage) {
    const { canonical, dead } = stage.scene;
    const url = `mirror::${canonical.url}`;
    return {
      ways: [
        { title: 'plain', run: () => fetched(stage, { has: 'old.git', url: canonical.url }) },
        { title: 'through gam', run: () => fetched(stage, { has: 'old.git', url, mirrors: dead }) },
      ],
      figures: [TIME],
    };
  },
};
