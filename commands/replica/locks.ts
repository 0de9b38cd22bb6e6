import * as Flags from '@oclif/core/flags';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { since } from '../../src/replica/status-lines.ts';

export default class Locks extends ReplicaCommand {
  static override summary = 'Tell which refs are locked, by whose pushes, and since when.';
  static override description =
    'A lock holds for as long as its push renews it, and ends by itself one lease (replica.leaseTime, 15 s) after that.';
  static override examples = ['<%= config.bin %> replica locks --repo /srv/git/project.git'];
  static override flags = { json: Flags.boolean({ summary: 'Print them as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Locks);
    const replica = await this.needReplica(flags.repo);
    const coordinator = await replica.openCoordinator();
    const locks = await coordinator.locks().finally(() => coordinator.close());
    if (flags.json) this.sayJson(locks);
    else if (locks.length === 0 && !flags.quiet) this.say('nothing is locked');
    else
      this.say(
        ...locks.map(
          ({ ref, holder, since: at, leaseMs }) =>
            `${ref} by ${holder} since ${since(Math.max(0, Date.now() - at))}, lease ${since(leaseMs)}`,
        ),
      );
  }
}
