import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { fetched } from '../measure/stage.ts';

export const FETCH_OLD: Row = {
  name: 'fetch-old',
  title: 'Fetch of 100 new commits of which the mirror has none, beside a plain fetch from canonical',
  aim: 'at most 1.03 times',
  rounds: 11,
  async set(stage) {
    const { canonical, old } = stage.scene;
    const url = `mirror::${canonical.url}`;
    return {
      ways: [
        { title: 'plain', run: () => fetched(stage, { has: 'old.git', url: canonical.url }) },
        { title: 'through gam', run: () => fetched(stage, { has: 'old.git', url, mirrors: [old] }) },
      ],
      figures: [TIME, FROM_CANONICAL, FROM_MIRRORS],
    };
  },
};
