import { makeBundleOf } from '../measure/bundle.ts';
import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import type { Place } from '../measure/scene.ts';
import { cloned, withMirrors } from '../measure/stage.ts';

export const TWO_MIRRORS: Row = {
  name: 'two-mirrors',
  title: 'Clone with two mirrors near by of 20 Mbit/s each, beside one of them',
  aim: 'towards twice the rate, which is half the time',
  rounds: 3,
  async set(stage) {
    const { canonical, capped, cappedFiles } = stage.scene;
    const name = await makeBundleOf(stage, 'canonical.git');
    const [bundle, same] = cappedFiles.map((place) => ({ ...place, url: place.url + name }));
    const through = (mirrors: readonly (Place | undefined)[]) => () =>
      cloned(stage, [...withMirrors(mirrors.filter((one) => one !== undefined)), `mirror::${canonical.url}`]);
    return {
      ways: [
        { title: 'a bundle on one', run: through([bundle]) },
        { title: 'the same on both', run: through([bundle, same]) },
        { title: 'one git mirror', run: through([capped[0]]) },
        { title: 'two git mirrors', run: through(capped) },
      ],
      figures: [TIME, FROM_MIRRORS, FROM_CANONICAL],
    };
  },
};
