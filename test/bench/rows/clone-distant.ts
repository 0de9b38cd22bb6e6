import { FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { cloned, withMirrors } from '../measure/stage.ts';

export const CLONE_DISTANT: Row = {
  name: 'clone-distant',
  title: 'Clone with a mirror that is far and has a good line, with and without `gam.checkpoints`',
  aim: 'at most 1.03 times',
  rounds: 7,
  async set(stage) {
    const { canonical, distant } = stage.scene;
    const run = (checkpoints: string) => () =>
      cloned(stage, [
        ...withMirrors([distant]),
        '-c',
        `gam.checkpoints=${checkpoints}`,
        `mirror::${canonical.url}`,
      ]);
    return {
      ways: [
        { title: 'never', run: run('never') },
        { title: 'auto', run: run('auto') },
      ],
      figures: [TIME, FROM_MIRRORS],
    };
  },
};
