import { nothingNew } from '../measure/nothing-new.ts';
import type { Row } from '../measure/row.ts';

export const NO_MIRROR: Row = {
  name: 'no-mirror',
  title: 'Fetch with nothing new and no mirror configured, beside plain git',
  aim: 'at most 10 ms, or 1.05 times',
  rounds: 21,
  set: (stage) => nothingNew(stage, 'no-mirror', stage.scene.canonical.url, []),
};
