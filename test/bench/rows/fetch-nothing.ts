import { nothingNew } from '../measure/nothing-new.ts';
import type { Row } from '../measure/row.ts';

export const FETCH_NOTHING: Row = {
  name: 'fetch-nothing',
  title: 'Fetch with nothing new and a mirror configured, beside plain git',
  aim: 'at most 1.05 times',
  rounds: 21,
  set: (stage) => nothingNew(stage, 'fetch-nothing', stage.scene.canonical.url, [stage.scene.fresh]),
};
