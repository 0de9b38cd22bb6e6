import { TIME } from '../measure/figures.ts';
import { commit, makePusher, servedGroup, servedThrice } from '../measure/group.ts';
import type { Row, Sample } from '../measure/row.ts';

const BRANCHES = Array.from({ length: 50 }, (_, n) => `HEAD:refs/heads/topic/${n}`);

export const REPLICA_PARALLEL: Row = {
  name: 'replica-parallel',
  title:
    '50 pushes to 50 branches of three primaries, all at once, beside one after the other, and beside plain ones',
  aim: 'all at once in less time',
  rounds: 3,
  async set(stage) {
    const { sandbox } = stage;
    const plain = await servedThrice(stage, 'plain-many');
    const group = await servedGroup(stage, 'group-many');
    await makePusher(stage, 'many-pusher');
    const cwd = 'many-pusher';
    const timed = async (pushes: () => Promise<void>): Promise<Sample> => {
      await commit(stage, cwd);
      const start = performance.now();
      await pushes();
      return { time: performance.now() - start, fromMirrors: 0, fromCanonical: 0 };
    };
    const push = async (url: string, branch: string) => {
      await sandbox.git(['push', '-q', url, branch], { cwd, timeout: 10 * 60_000 });
    };
    const urlOf = (urls: readonly string[], n: number) => urls[n % urls.length] ?? '';
    const inTurn = (urls: readonly string[]) => async () => {
      for (const [n, branch] of BRANCHES.entries()) await push(urlOf(urls, n), branch);
    };
    const atOnce = (urls: readonly string[]) => async () => {
      await Promise.all(BRANCHES.map((branch, n) => push(urlOf(urls, n), branch)));
    };
    return {
      ways: [
        { title: 'one after the other', run: () => timed(inTurn(group.urls)) },
        { title: 'all at once', run: () => timed(atOnce(group.urls)) },
        { title: 'plain, one after the other', run: () => timed(inTurn(plain.urls)) },
        { title: 'plain, all at once', run: () => timed(atOnce(plain.urls)) },
      ],
      figures: [TIME],
    };
  },
};
