import { writeFileSync } from 'node:fs';
import { TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { makeClient, measured } from '../measure/stage.ts';

export const MIRRORS_LIST: Row = {
  name: 'mirrors-list',
  title: '`gam mirrors list`, beside node with an empty program',
  aim: 'at most 2.5 times',
  rounds: 21,
  async set(stage) {
    const { canonical, fresh, stale } = stage.scene;
    const cwd = 'mirrors-list';
    const url = `mirror::${canonical.url}`;
    await makeClient(stage, cwd, { has: 'old.git', url, mirrors: [fresh, stale] });
    const empty = stage.sandbox.path('empty.cjs');
    writeFileSync(empty, '');
    return {
      ways: [
        { title: 'node alone', run: () => measured(stage, process.execPath, [empty], { cwd }) },
        { title: 'gam mirrors list', run: () => measured(stage, 'gam', ['mirrors', 'list'], { cwd }) },
      ],
      figures: [TIME],
    };
  },
};
