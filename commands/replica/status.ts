import * as Flags from '@oclif/core/flags';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { groupStatus } from '../../src/replica/status.ts';
import { statusLines } from '../../src/replica/status-lines.ts';

export default class Status extends ReplicaCommand {
  static override summary = 'Tell how the group stands: members, lag, queue, locks, coordinator.';
  static override description = [
    'Asks every member what its refs are, and the coordinator what they are meant to be. A member that does not answer costs ' +
      'no more than replica.memberTimeout (10 s).',
    'The exit code is 0 when all members are current and their hooks in place, and 1 otherwise.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica status --repo /srv/git/project.git',
    '<%= config.bin %> replica status --json',
  ];
  static override flags = { json: Flags.boolean({ summary: 'Print it as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const replica = await this.needReplica(flags.repo);
    const status = await groupStatus(replica, this.program());
    if (flags.json) this.sayJson(status);
    else if (!flags.quiet) this.say(...statusLines(status, this.width()));
    const isWell =
      status.coordinator.healthy &&
      status.members.every(({ state }) => state === 'current') &&
      Object.values(status.hooks).every((state) => state === 'installed');
    if (!isWell) process.exitCode = 1;
  }
}
