import { TIME } from '../measure/figures.ts';
import { makePusher, servedGroup, servedThrice } from '../measure/group.ts';
import type { Row } from '../measure/row.ts';
import { measured } from '../measure/stage.ts';

const REFS = 10_000;

export const REPLICA_MIRROR: Row = {
  name: 'replica-mirror',
  title:
    '10,000 branches in one mirror push to one of three primaries, beside a plain push and one more to each of two others',
  aim: 'at most 3 times',
  rounds: 3,
  async set(stage) {
    const { sandbox } = stage;
    let round = 0;
    const pusher = async (): Promise<string> => {
      round += 1;
      const cwd = `mirror-pusher-${round}`;
      await makePusher(stage, cwd);
      const { stdout } = await sandbox.git(['rev-parse', 'HEAD'], { cwd });
      const lines = Array.from({ length: REFS }, (_, n) => `create refs/heads/topic/${n} ${stdout.trim()}\n`);
      await sandbox.git(['update-ref', '--stdin'], { cwd, input: lines.join('') });
      return cwd;
    };
    const push = async (urls: readonly string[]) => {
      const cwd = await pusher();
      let time = 0;
      for (const url of urls)
        time += (await measured(stage, 'git', ['push', '-q', '--mirror', url], { cwd })).time;
      return { time, fromMirrors: 0, fromCanonical: 0 };
    };
    return {
      ways: [
        {
          title: 'three plain pushes',
          run: async () => push((await servedThrice(stage, `plain-${round}`)).urls),
        },
        {
          title: 'to another primary than the arbiter',
          run: async () => push((await servedGroup(stage, `group-${round}`)).urls.slice(1, 2)),
        },
      ],
      figures: [TIME],
    };
  },
};
