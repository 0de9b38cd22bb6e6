import { BYTES_IN_ALL, FROM_CANONICAL, TIME } from '../measure/figures.ts';
import type { Row, Sample } from '../measure/row.ts';
import type { Place } from '../measure/scene.ts';
import { cloned, withMirrors } from '../measure/stage.ts';

/** Lets a line die when so many more bytes have come down, for as long as something runs. */
async function killedAfter(place: Place, bytes: number, run: () => Promise<Sample>): Promise<Sample> {
  const end = place.line.bytesDown + bytes;
  let dead = false;
  void place.line.reached(end).then(() => {
    dead = true;
  });
  place.line.setFault(() => ({ kind: 'reset', ...(dead ? {} : { after: end - place.line.bytesDown }) }));
  try {
    return await run();
  } finally {
    place.line.setFault(null);
  }
}

/** Per cent of the bytes. */
const POINTS = [10, 50, 90];

export const CLONE_KILLED: Row = {
  name: 'clone-killed',
  title:
    'Clone whose mirror dies at 10, 50 and 90 % of the bytes, with another as near, beside one that nothing happens to',
  aim: 'at most 1.25 times the bytes with checkpoints, at each point',
  rounds: 5,
  async set(stage) {
    const { canonical, fresh, second } = stage.scene;
    // Otherwise the second one, once it has served, might be the first to be asked.
    const first = ['-c', `remote.origin.preferredMirror=${fresh.url}`];
    const mirrors = [...first, ...withMirrors([fresh, second])];
    const run = (checkpoints: string) => () =>
      cloned(stage, [...mirrors, '-c', `gam.checkpoints=${checkpoints}`, `mirror::${canonical.url}`]);
    const killed = (percent: number, checkpoints: string) => ({
      title: `mirror killed at ${percent} %${checkpoints === 'always' ? '' : ', without checkpoints'}`,
      run: () => killedAfter(fresh, Math.round((percent / 100) * stage.subject.bytes), run(checkpoints)),
    });
    return {
      ways: [
        { title: 'uninterrupted', run: run('never') },
        ...POINTS.map((percent) => killed(percent, 'always')),
        killed(50, 'never'),
      ],
      figures: [BYTES_IN_ALL, FROM_CANONICAL, TIME],
    };
  },
};
