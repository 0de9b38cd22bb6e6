import * as Flags from '@oclif/core/flags';
import { interruptible } from '../../src/main/interruptible.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { wrap } from '../../src/main/wrap.ts';
import { boundsOf } from '../../src/replica/ask-members.ts';
import { withAges } from '../../src/replica/status.ts';
import { lockLine } from '../../src/replica/status-lines.ts';

export default class Locks extends ReplicaCommand {
  static override summary = 'Tell which refs are locked, by whose pushes, and since when.';
  static override description = [
    'A lock holds for as long as its push renews it, and ends by itself one lease (replica.leaseTime, 15 s) after that. "Many refs" ' +
      'is the one lock of pushes of more than 500 refs.',
    'With --json: [{ref, holder, transaction, since, leaseMs, ageMs}], since in milliseconds since 1970 by the clock of the holder.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica locks --repo /srv/git/project.git',
    '<%= config.bin %> replica locks --json',
  ];
  static override flags = { json: Flags.boolean({ summary: 'Print them as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Locks);
    const replica = await this.needReplica(flags.repo);
    await interruptible(async (signal) => {
      const coordinator = await boundsOf(replica, signal).asking.openCoordinator();
      const held = await coordinator.locks().finally(() => coordinator.close());
      if (signal.aborted) return;
      const locks = withAges(held, Date.now());
      if (flags.json) this.sayJson(locks);
      else if (flags.quiet) return;
      else if (locks.length === 0) this.say('nothing is locked');
      else this.say(...locks.flatMap((lock) => wrap(lockLine(lock), this.width())));
    });
  }
}
