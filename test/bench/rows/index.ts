import type { Row } from '../measure/row.ts';
import { ACTIONS_CHECKOUT } from './actions-checkout.ts';
import { CLONE_BUNDLE } from './clone-bundle.ts';
import { CLONE_DEPTH } from './clone-depth.ts';
import { CLONE_DISTANT } from './clone-distant.ts';
import { CLONE_FAR } from './clone-far.ts';
import { CLONE_FILTER } from './clone-filter.ts';
import { CLONE_FRESH } from './clone-fresh.ts';
import { CLONE_KILLED } from './clone-killed.ts';
import { CLONE_STALE } from './clone-stale.ts';
import { FETCH_DEAD } from './fetch-dead.ts';
import { FETCH_FRESH } from './fetch-fresh.ts';
import { FETCH_NOTHING } from './fetch-nothing.ts';
import { FETCH_OLD } from './fetch-old.ts';
import { FETCH_SILENT } from './fetch-silent.ts';
import { LAZY } from './lazy.ts';
import { MEMORY } from './memory.ts';
import { MIRRORS_LIST } from './mirrors-list.ts';
import { NO_MIRROR } from './no-mirror.ts';
import { NO_MIRROR_AT_HAND } from './no-mirror-at-hand.ts';
import { REPLICA_MIRROR } from './replica-mirror.ts';
import { REPLICA_PARALLEL } from './replica-parallel.ts';
import { REPLICA_PUSH } from './replica-push.ts';
import { SERVE_CLONE } from './serve-clone.ts';
import { SERVE_FETCH } from './serve-fetch.ts';
import { SERVE_LIST } from './serve-list.ts';
import { TWO_MIRRORS } from './two-mirrors.ts';
import { WATCH_DELAY } from './watch-delay.ts';
import { WATCH_IDLE } from './watch-idle.ts';

/** Every row, in the order in which they are measured and shown. */
export const ROWS: readonly Row[] = [
  CLONE_FAR,
  CLONE_FRESH,
  CLONE_STALE,
  CLONE_KILLED,
  CLONE_DISTANT,
  CLONE_BUNDLE,
  TWO_MIRRORS,
  CLONE_DEPTH,
  CLONE_FILTER,
  ACTIONS_CHECKOUT,
  LAZY,
  FETCH_FRESH,
  FETCH_OLD,
  FETCH_NOTHING,
  NO_MIRROR,
  NO_MIRROR_AT_HAND,
  FETCH_DEAD,
  FETCH_SILENT,
  MEMORY,
  MIRRORS_LIST,
  SERVE_CLONE,
  SERVE_FETCH,
  SERVE_LIST,
  REPLICA_PUSH,
  REPLICA_PARALLEL,
  REPLICA_MIRROR,
  WATCH_IDLE,
  WATCH_DELAY,
];
