import * as Flags from '@oclif/core/flags';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { readersOf } from '../../src/state/readers.ts';

export default class Readers extends ReplicaCommand {
  static override summary = 'Tell who has fetched from this member in the last 60 days.';
  static override description = [
    'gam serve notes, for each day, who has fetched from a member: the address, the login where one was needed, how often, and when last. ' +
      'So an old server is known to be asked by nobody any more before it goes.',
    'What does not go through gam serve is not seen: fetches by plain ssh (its own log tells: journalctl -u ssh), by a path, by git daemon, ' +
      'and by another web server. Behind a proxy, all come from its address, unless gam serve is told to trust it. Other members fetch, too.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> replica readers --repo /srv/git/project.git'];
  static override flags = { json: Flags.boolean({ summary: 'Print them as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Readers);
    const { gitDir } = await this.needReplica(flags.repo);
    const readers = await readersOf(gitDir);
    if (flags.json) this.sayJson(readers);
    else if (readers.length === 0) {
      if (!flags.quiet)
        this.say('gam serve has seen nobody fetch from here; see --help for what it cannot see');
    } else
      this.say(
        ...readers.map(
          ({ client, user, count, last }) =>
            `${new Date(last).toISOString().slice(0, 16).replace('T', ' ')}  ${client}${user === null ? '' : ` (${user})`}, ${count} times`,
        ),
      );
  }
}
