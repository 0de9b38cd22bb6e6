import { TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { servedWays } from '../measure/served.ts';
import { cloned } from '../measure/stage.ts';

export const SERVE_CLONE: Row = {
  name: 'serve-clone',
  title: 'Plain clone from `gam serve`, beside one from git http-backend behind a plain web server',
  aim: 'at least 0.9 of the throughput: at most 1.11 times',
  rounds: 11,
  set: async (stage) => ({
    ways: await servedWays(stage, (title, url) =>
      Promise.resolve({ title, run: () => cloned(stage, ['--bare', url]) }),
    ),
    figures: [TIME],
  }),
};
