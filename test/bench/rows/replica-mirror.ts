import { TIME } from '../measure/figures.ts';
import { makePusher, servedGroup, servedThrice } from '../measure/group.ts';
import type { Row } from '../measure/row.ts';
import { measured } from '../measure/stage.ts';

const REFS = 10_000;

/** Seconds since the epoch. */
const FIRST_DATE = 1_700_000_000;

export const REPLICA_MIRROR: Row = {
  name: 'replica-mirror',
  title:
    '10,000 branches, each with a commit of its own, in one mirror push by a path to one of three primaries, beside a plain push and one more to each of two others',
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
      const commits = Array.from({ length: REFS }, (_, n) => {
        const head = `commit refs/heads/topic/${n}\ncommitter ada <ada@example.com> ${FIRST_DATE + n} +0000`;
        return `${head}\ndata 0\nfrom ${stdout.trim()}\n\n`;
      });
      await sandbox.git(['fast-import', '--quiet'], { cwd, input: commits.join('') });
      return cwd;
    };
    // By a path: over http the pusher's git alone takes a minute for so many refs, and hides what is measured. The members ask each
    // other over http.
    const push = async (folders: readonly string[]) => {
      const cwd = await pusher();
      let time = 0;
      for (const folder of folders)
        time += (await measured(stage, 'git', ['push', '-q', '--mirror', sandbox.path(folder)], { cwd }))
          .time;
      return { time, fromMirrors: 0, fromCanonical: 0 };
    };
    return {
      ways: [
        {
          title: 'three plain pushes',
          run: async () => push((await servedThrice(stage, `plain-${round}`)).folders),
        },
        {
          title: 'to another primary than the arbiter',
          run: async () => push((await servedGroup(stage, `group-${round}`)).folders.slice(1, 2)),
        },
      ],
      figures: [TIME],
    };
  },
};
