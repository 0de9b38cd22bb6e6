import { askList } from '../../helpers/ask-list.ts';
import { ask } from '../../helpers/raw-request.ts';
import { TIME } from '../measure/figures.ts';
import type { Row } from '../measure/row.ts';
import { listServer } from '../measure/served.ts';

/** A question alone takes less than the clock is good for. */
const QUESTIONS = 20;

// The mean of some, one after another, each over a connection of its own.
async function timed(question: () => Promise<unknown>) {
  const start = performance.now();
  for (let n = 0; n < QUESTIONS; n += 1) await question();
  return { time: (performance.now() - start) / QUESTIONS, fromMirrors: 0, fromCanonical: 0 };
}

export const SERVE_LIST: Row = {
  name: 'serve-list',
  title: 'The mirror list of a repository asked of `gam serve`, beside its page that says whether it is well',
  aim: 'under 5 ms',
  rounds: 21,
  async set(stage) {
    const { url } = await listServer(stage);
    const there = { url, path: '/canonical.git' };
    return {
      ways: [
        { title: '/-/health', run: () => timed(() => ask({ url, path: '/-/health' })) },
        { title: 'mirror-list', run: () => timed(() => askList(there)) },
        { title: 'info/mirrors', run: () => timed(() => ask({ url, path: '/canonical.git/info/mirrors' })) },
      ],
      figures: [TIME],
    };
  },
};
