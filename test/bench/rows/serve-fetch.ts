import { TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { servedWays } from '../measure/served.ts';
import { makeClient, measured } from '../measure/stage.ts';

export const SERVE_FETCH: Row = {
  name: 'serve-fetch',
  title: 'Plain fetch with nothing new from `gam serve`, beside one from git http-backend',
  aim: 'at most 1.11 times',
  rounds: 41,
  set: async (stage) => ({
    ways: await servedWays(stage, async (title, url) => {
      const cwd = `serve-fetch-${title.replaceAll(' ', '-')}`;
      await makeClient(stage, cwd, { has: 'canonical.git', url });
      return { title, run: () => measured(stage, 'git', ['fetch', '-q'], { cwd }) };
    }),
    figures: [TIME],
  }),
};
