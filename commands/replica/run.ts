import { setTimeout as pause } from 'node:timers/promises';
import * as Flags from '@oclif/core/flags';
import { interruptible } from '../../src/main/interruptible.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { noteLook } from '../../src/replica/look.ts';
import { openReplica } from '../../src/replica/replica.ts';
import { work } from '../../src/replica/worker.ts';

/** How often it is seen whether a worker that was found at work has ended, in milliseconds. */
const BUSY_MS = 1000;

export default class Run extends ReplicaCommand {
  static override summary = 'Keep the members up to date, in the foreground.';
  static override description = [
    'Every so often, compares the refs here with what the group agreed on, repairs what differs, and, from a primary, does the same ' +
      'for followers and hosted members. Pushes do that by themselves; this is for members that nobody pushes to, for what was cut ' +
      'off meanwhile, and for what is pushed to a forge.',
    'What was done and what went wrong is also in gam/replica/log of the repository. With --once, all is tried once, and the exit ' +
      'code is 1 when something is left to do.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica run --repo /srv/git/project.git --every 60',
    '<%= config.bin %> replica run --once --repo /srv/git/project.git',
  ];
  static override flags = {
    every: Flags.integer({ summary: 'Seconds between two looks.', default: 30, min: 1, helpValue: '<s>' }),
    once: Flags.boolean({ summary: 'Look once.' }),
    json: Flags.boolean({ summary: 'Print what is done as lines of JSON: time and words.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Run);
    const { gitDir } = await this.needReplica(flags.repo);
    const warn = (line: string) => this.remark(line);
    const tellJson = (words: string) => this.say(JSON.stringify({ time: new Date().toISOString(), words }));
    const tell = flags.json ? tellJson : flags.quiet ? () => undefined : warn;
    await interruptible(async (signal) => {
      const open = () => openReplica(gitDir, { env: this.env, warn, signal });
      const look = async () => {
        const replica = await open();
        if (replica !== null) noteLook(replica);
      };
      const working = { gitDir, open, tell, signal, pid: process.pid };
      await look();
      if (flags.once) {
        const worked = await work({ ...working, mode: 'once' });
        if (worked === 'busy') tell('a worker is at work here already, and looks at once');
        if (worked === 'failed') process.exitCode = 1;
        return;
      }
      // What cannot be read now may be readable in a while, and is told when the worker opens it.
      const timer = setInterval(() => void look().catch(() => undefined), flags.every * 1000);
      try {
        while (!signal.aborted) {
          await work({ ...working, mode: 'stay' });
          await pause(BUSY_MS, undefined, { signal }).catch(() => undefined);
        }
      } finally {
        clearInterval(timer);
      }
    });
  }
}
