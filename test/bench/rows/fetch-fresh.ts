import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { fetched } from '../measure/stage.ts';

export const FETCH_FRESH: Row = {
  name: 'fetch-fresh',
  title: 'Fetch of 100 new commits that the mirror has, beside a plain fetch from canonical',
  aim: 'at most 1.1 times; faster where bytes dominate',
  rounds: 11,
  async set(stage) {
    const { canonical, fresh } = stage.scene;
    const url = `mirror::${canonical.url}`;
    return {
      ways: [
        { title: 'plain', run: () => fetched(stage, { has: 'old.git', url: canonical.url }) },
        { title: 'through gam', run: () => fetched(stage, { has: 'old.git', url, mirrors: [fresh] }) },
      ],
      figures: [TIME, FROM_CANONICAL, FROM_MIRRORS],
    };
  },
};
