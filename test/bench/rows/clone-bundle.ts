import { bundleWays, makeBundleOf } from '../measure/bundle.ts';
import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { cloned, withMirrors } from '../measure/stage.ts';

export const CLONE_BUNDLE: Row = {
  name: 'clone-bundle',
  title: 'Clone with a bundle near by in the place of a mirror, beside a plain clone from canonical',
  aim: "no slower than git's own bundle-uri",
  rounds: 5,
  async set(stage) {
    const { canonical, fresh, files } = stage.scene;
    const bundle = { ...files, url: files.url + (await makeBundleOf(stage, 'canonical.git')) };
    const through = (mirror: typeof bundle) => () =>
      cloned(stage, [...withMirrors([mirror]), `mirror::${canonical.url}`]);
    return {
      ways: [
        { title: 'plain, from canonical', run: () => cloned(stage, [canonical.url]) },
        { title: 'through gam, the bundle', run: through(bundle) },
        ...(await bundleWays(stage, 'canonical.git')),
        { title: 'through gam, a git mirror', run: through(fresh) },
      ],
      figures: [TIME, FROM_CANONICAL, FROM_MIRRORS],
    };
  },
};
