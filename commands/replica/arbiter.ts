import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { startWorker } from '../../src/main/member-process.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { findArbiter } from '../../src/replica/arbiter.ts';
import { moveArbiter } from '../../src/replica/move-arbiter.ts';

export default class Arbiter extends ReplicaCommand {
  static override summary = 'Tell who the arbiter is, or make another primary the arbiter.';
  static override description = [
    'With the coordinator "git", the arbiter is the member in whose refs locks and state are kept. While it cannot be reached, pushes ' +
      'are refused, and it cannot leave the group.',
    'Moving it takes a few seconds. Pushes that are under way then are refused, and can be repeated; those that come meanwhile wait. ' +
      'When the command is ended in between, pushes wait until it is run again, on any member: that finishes it.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica arbiter --repo /srv/git/project.git',
    '<%= config.bin %> replica arbiter us --repo /srv/git/project.git',
  ];
  static override args = { member: Args.string({ description: 'The id of a primary.' }) };
  static override flags = { json: Flags.boolean({ summary: 'Print it as JSON.' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Arbiter);
    const replica = await this.needReplica(flags.repo);
    if (args.member !== undefined) {
      await moveArbiter(replica, args.member);
      startWorker(replica, this.program());
    }
    const { member, movingTo, term } = await findArbiter(
      args.member === undefined ? replica : await this.needReplica(flags.repo),
    );
    if (flags.json) this.sayJson({ arbiter: member.id, term: term.number, movingTo });
    else if (movingTo !== null)
      this.say(`${member.id}, on its way to ${movingTo}; to finish: gam replica arbiter ${movingTo}`);
    else if (!flags.quiet)
      this.say(
        args.member === undefined ? member.id : `${member.id} is the arbiter of ${replica.group.name} now`,
      );
  }
}
