import { nothingNew } from '../measure/nothing-new.ts';
import type { Row } from '../measure/row.ts';

export const NO_MIRROR_AT_HAND: Row = {
  name: 'no-mirror-at-hand',
  title: 'Fetch with nothing new and no mirror, with canonical on this machine, beside plain git',
  aim: 'at most 10 ms, or 1.05 times',
  rounds: 41,
  set: (stage) => nothingNew(stage, 'no-mirror-at-hand', stage.scene.atHand, []),
};
