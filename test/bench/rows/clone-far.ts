import { FROM_CANONICAL, TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { cloned, withMirrors } from '../measure/stage.ts';

export const CLONE_FAR: Row = {
  name: 'clone-far',
  title: 'Clone with a fresh mirror near by, beside a plain clone from canonical',
  aim: 'what gam is for',
  rounds: 3,
  async set(stage) {
    const { canonical, fresh } = stage.scene;
    const args = [...withMirrors([fresh]), `mirror::${canonical.url}`];
    return {
      ways: [
        { title: 'plain, from canonical', run: () => cloned(stage, [canonical.url]) },
        { title: 'through gam', run: () => cloned(stage, args) },
      ],
      figures: [TIME, FROM_CANONICAL],
    };
  },
};
