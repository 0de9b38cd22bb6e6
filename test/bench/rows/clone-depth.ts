import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import { clonedBoth } from '../measure/routed.ts';
import type { Row } from '../measure/row.ts';

export const CLONE_DEPTH: Row = {
  name: 'clone-depth',
  title: 'git clone --depth 1 with a fresh mirror near by, beside a plain one from canonical',
  aim: 'clearly faster',
  rounds: 5,
  set: (stage) =>
    Promise.resolve({
      ways: clonedBoth(stage, ['--depth', '1']),
      figures: [TIME, FROM_CANONICAL, FROM_MIRRORS],
    }),
};
