import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { GamError } from '../../src/errors.ts';
import { startWorker } from '../../src/main/member-process.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { changeGroup } from '../../src/replica/change-group.ts';
import { isPrimary, memberOf, type Role } from '../../src/replica/group.ts';

export default class RoleCommand extends ReplicaCommand {
  static override summary = 'Tell or change what a member does with pushes.';
  static override description = [
    'primary: takes pushes, in lock-step with the other primaries. follower: takes none, names a primary, and follows within ' +
      'seconds. deprecated: as a primary, with a warning that names a successor. refusing: as a follower, with the successor.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica role us',
    '<%= config.bin %> replica role us follower',
  ];
  static override flags = { json: Flags.boolean({ summary: 'Print the member and its role as JSON.' }) };
  static override args = {
    member: Args.string({ description: 'The id of a member.', required: true }),
    role: Args.string({
      description: 'Its new role.',
      options: ['primary', 'follower', 'deprecated', 'refusing'],
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(RoleCommand);
    const replica = await this.needReplica(flags.repo);
    const member = memberOf(replica.group, args.member);
    if (args.role === undefined) {
      if (flags.json) this.sayJson({ id: member.id, role: member.role });
      else this.say(member.role);
      return;
    }
    const role = args.role as Role;
    const remark = (line: string) => {
      if (!flags.quiet) this.remark(line);
    };
    await changeGroup(
      replica,
      (now) => {
        const members = now.members.map((one) => (one.id === member.id ? { ...one, role } : one));
        if (!members.some(isPrimary))
          throw new GamError('usage', `${member.id} is the only primary of ${now.name}`, {
            suggestion: 'make another one a primary first',
          });
        return { ...now, members };
      },
      remark,
    );
    startWorker(replica, this.program());
    if (flags.json) this.sayJson({ id: member.id, role });
    else if (!flags.quiet) this.say(`${member.id} is ${role} now`);
  }
}
