import { TIME } from '../measure/figures.ts';
import { commit, makePusher, servedGroup, servedThrice } from '../measure/group.ts';
import type { Row, Sample } from '../measure/row.ts';
import { measured } from '../measure/stage.ts';

const HEAD = 'HEAD:refs/heads/main';

export const REPLICA_PUSH: Row = {
  name: 'replica-push',
  title:
    'Push of one commit to one of three primaries, behind a `gam serve` each, beside a plain push and one more to each of two others',
  aim: 'at most 3 times',
  rounds: 21,
  async set(stage) {
    const plain = await servedThrice(stage, 'plain');
    const group = await servedGroup(stage, 'group');
    await makePusher(stage, 'plain-pusher');
    await makePusher(stage, 'group-pusher');
    const push = async (cwd: string, urls: readonly string[]): Promise<Sample> => {
      await commit(stage, cwd);
      let time = 0;
      for (const url of urls) time += (await measured(stage, 'git', ['push', '-q', url, HEAD], { cwd })).time;
      return { time, fromMirrors: 0, fromCanonical: 0 };
    };
    const [arbiter = '', other = ''] = group.urls;
    return {
      ways: [
        { title: 'three plain pushes', run: () => push('plain-pusher', plain.urls) },
        { title: 'to the arbiter', run: () => push('group-pusher', [arbiter]) },
        { title: 'to another primary', run: () => push('group-pusher', [other]) },
      ],
      figures: [TIME],
    };
  },
};
