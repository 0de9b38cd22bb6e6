import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import { clonedBoth } from '../measure/routed.ts';
import type { Row } from '../measure/row.ts';

export const CLONE_FILTER: Row = {
  name: 'clone-filter',
  title:
    'git clone --filter=blob:none, with checkout, with a fresh mirror near by, beside a plain one from canonical',
  aim: 'clearly faster',
  rounds: 5,
  set: (stage) =>
    Promise.resolve({
      ways: clonedBoth(stage, ['--filter=blob:none']),
      figures: [TIME, FROM_CANONICAL, FROM_MIRRORS],
    }),
};
