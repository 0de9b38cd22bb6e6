import { setTimeout as pause } from 'node:timers/promises';
import * as Flags from '@oclif/core/flags';
import { interruptible } from '../../src/main/interruptible.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { openReplica } from '../../src/replica/replica.ts';
import { wakeHere } from '../../src/replica/wake.ts';
import { work } from '../../src/replica/worker.ts';

export default class Run extends ReplicaCommand {
  static override summary = 'Keep this member up to date, in the foreground.';
  static override description =
    'Every so often, compares refs with what the group agreed on, repairs what differs, and sends what is still queued for other ' +
    'members. Pushes do that by themselves; this is for members that nobody pushes to, and for what was cut off meanwhile.';
  static override examples = ['<%= config.bin %> replica run --repo /srv/git/project.git --every 60'];
  static override flags = {
    every: Flags.integer({ summary: 'Seconds between two looks.', default: 30, min: 1, helpValue: '<s>' }),
    once: Flags.boolean({ summary: 'Look once, until nothing is left to do.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Run);
    const { gitDir } = await this.needReplica(flags.repo);
    const warn = (line: string) => this.remark(line);
    await interruptible(async (signal) => {
      const open = () => openReplica(gitDir, { env: this.env, warn });
      const tell = flags.quiet ? () => undefined : warn;
      do {
        wakeHere(gitDir);
        await work({ open, tell, signal, pid: process.pid });
        if (!flags.once) await pause(flags.every * 1000, undefined, { signal }).catch(() => undefined);
      } while (!flags.once && !signal.aborted);
    });
  }
}
