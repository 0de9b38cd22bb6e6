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
    const sample = await run();
    if (!dead) throw new Error('the clone was done before its mirror could die');
    return sample;
  } finally {
    place.line.setFault(null);
  }
}

/** Per cent of the bytes. */
const POINTS = [10, 50, 90];

export const CLONE_KILLED: Row = {
  name: 'clone-killed',
  title:
    'Clone with checkpoints whose mirror dies at 10, 50 and 90 % of the bytes, with another as near, beside one that nothing happens to',
  aim: 'at most 1.25 times the bytes, at each point',
  rounds: 5,
  async set(stage) {
    const { canonical, fresh, second } = stage.scene;
    // Otherwise the second one, once it has served, might be the first to be asked.
    const first = ['-c', `remote.origin.preferredMirror=${fresh.url}`];
    const mirrors = [...first, ...withMirrors([fresh, second])];
    const run = (checkpoints: string) => () =>
      cloned(stage, [...mirrors, '-c', `gam.checkpoints=${checkpoints}`, `mirror::${canonical.url}`]);
    // A server packs parts otherwise than the whole: what a point is a share of, only a clone in parts tells.
    const { fromMirrors } = await run('always')();
    const killed = (percent: number) => ({
      title: `mirror killed at ${percent} %`,
      run: () => killedAfter(fresh, Math.round((percent / 100) * fromMirrors), run('always')),
    });
    return {
      ways: [
        { title: 'uninterrupted', run: run('always') },
        ...POINTS.map(killed),
        { title: 'uninterrupted, without checkpoints', run: run('never') },
      ] as const,
      figures: [BYTES_IN_ALL, FROM_CANONICAL, TIME],
    };
  },
};
