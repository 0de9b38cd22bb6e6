import * as Flags from '@oclif/core/flags';
import { GamError } from '../../src/errors.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { changeGroup } from '../../src/replica/change-group.ts';
import { disenrol, isHalfEnrolled } from '../../src/replica/enrol.ts';
import { isPrimary } from '../../src/replica/group.ts';
import { lastWords } from '../../src/replica/retire.ts';

export default class Leave extends ReplicaCommand {
  static override summary = 'Leave the group: this repository is a plain one again.';
  static override description = [
    'Takes this member out of the group on all others, and its hooks and configuration out of the repository: what stood in ' +
      'the hooks folder before stands there again. Refs stay as they are, and so does what was kept under refs/gam/diverged/.',
    'The last member dissolves the group. The arbiter leaves as the last one, or when another is it (gam replica arbiter). With ' +
      '--force the others are not told: for a group that is gone.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> replica leave --repo /srv/git/project.git'];
  static override flags = {
    force: Flags.boolean({ summary: 'Leave without telling the others.' }),
    json: Flags.boolean({ summary: 'Print what was left as JSON.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Leave);
    const { gitDir, run } = await this.findMember(flags.repo);
    if (await this.isNoMember(gitDir)) {
      if (!(await isHalfEnrolled(gitDir, run))) await this.needReplica(flags.repo);
      await disenrol(gitDir, run);
      if (flags.json) this.sayJson({ group: null, id: null, repository: gitDir });
      else if (!flags.quiet) this.say(`${gitDir} is a plain repository again`);
      return;
    }
    const replica = await this.needReplica(flags.repo);
    const { group, self } = replica;
    const others = group.members.filter(({ id }) => id !== self.id);
    if (others.length > 0 && !flags.force) {
      if (group.coordinator === 'git' && group.arbiter === self.id)
        throw new GamError('usage', `${self.id} is the arbiter of ${group.name}: the others need it`, {
          suggestion: 'make another one the arbiter first: gam replica arbiter <id>',
        });
      if (isPrimary(self) && !others.some(isPrimary))
        throw new GamError('usage', `${self.id} is the only primary of ${group.name}`, {
          suggestion: 'make another one a primary first: gam replica role <id> primary',
        });
      const remark = (line: string) => {
        if (!flags.quiet) this.remark(line);
      };
      await changeGroup(
        replica,
        (now) => ({ ...now, members: now.members.filter(({ id }) => id !== self.id) }),
        remark,
      );
      await lastWords(replica, process.pid);
    }
    await disenrol(gitDir, run);
    if (flags.json) this.sayJson({ group: group.name, id: self.id, repository: gitDir });
    else if (!flags.quiet)
      this.say(`${self.id} has left ${group.name}; ${gitDir} is a plain repository again`);
  }
}
