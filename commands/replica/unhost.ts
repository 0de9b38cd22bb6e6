import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { startWorker } from '../../src/main/member-process.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { unhostMember } from '../../src/replica/host-member.ts';

export default class Unhost extends ReplicaCommand {
  static override summary = 'Take the repository of a forge out of the group.';
  static override description = 'Over there nothing changes; nothing is brought or sent any more.';
  static override examples = ['<%= config.bin %> replica unhost github --repo /srv/git/project.git'];
  static override flags = { json: Flags.boolean({ summary: 'Print who was taken out as JSON.' }) };
  static override args = {
    member: Args.string({ description: 'The id of the hosted member.', required: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Unhost);
    const replica = await this.needReplica(flags.repo);
    const remark = (line: string) => {
      if (!flags.quiet) this.remark(line);
    };
    await unhostMember(replica, args.member, remark);
    startWorker(replica, this.program());
    if (flags.json) this.sayJson({ group: replica.group.name, id: args.member });
    else if (!flags.quiet) this.say(`${args.member} is no member of ${replica.group.name} any more`);
  }
}
