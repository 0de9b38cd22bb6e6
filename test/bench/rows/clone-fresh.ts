import { bundleWays } from '../measure/bundle.ts';
import { FROM_CANONICAL, FROM_MIRRORS, TIME } from '../measure/figures.ts';
import type { Figure, Row } from '../measure/row.ts';
import { FAR } from '../measure/scene.ts';
import { cloned, withMirrors } from '../measure/stage.ts';

/** Connecting, info/refs and ls-refs: what only canonical can say. */
const ROUND_TRIPS = 3;

const LESS_ROUND_TRIPS: Figure = {
  ...TIME,
  title: `less ${ROUND_TRIPS} round trips`,
  of: ({ time, fromCanonical }) => (fromCanonical === 0 ? time : time - ROUND_TRIPS * FAR.roundTrip),
};

export const CLONE_FRESH: Row = {
  name: 'clone-fresh',
  title: 'Clone with canonical far away and a fresh mirror near by, beside a plain clone from that mirror',
  aim: 'at most 1.05 times, plus the round trips to canonical',
  rounds: 7,
  async set(stage) {
    const { canonical, fresh } = stage.scene;
    const args = [...withMirrors([fresh]), `mirror::${canonical.url}`];
    return {
      ways: [
        { title: 'plain, from the mirror', run: () => cloned(stage, [fresh.url]) },
        { title: 'through gam', run: () => cloned(stage, args) },
        ...(await bundleWays(stage, 'canonical.git')),
      ],
      figures: [TIME, LESS_ROUND_TRIPS, FROM_CANONICAL, FROM_MIRRORS],
    };
  },
};
