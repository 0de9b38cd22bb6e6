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

export const CLONE_KILLED: Row = {
  name: 'clone-killed',
  title:
    'Clone whose mirror dies at half the bytes, with another as near, beside one that nothing happens to',
  aim: 'at most 1.25 times the bytes, with checkpoints',
  rounds: 5,
  async set(stage) {
    const { canonical, fresh, second } = stage.scene;
    const run = () => cloned(stage, [...withMirrors([fresh, second]), `mirror::${canonical.url}`]);
    const half = Math.round(stage.subject.bytes / 2);
    return {
      ways: [
        { title: 'uninterrupted', run },
        { title: 'mirror killed', run: () => killedAfter(fresh, half, run) },
      ],
      figures: [BYTES_IN_ALL, FROM_CANONICAL, TIME],
    };
  },
};
