import * as Flags from '@oclif/core/flags';
import { installHooks } from '../../src/git/hooks.ts';
import { startWorker } from '../../src/main/member-process.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { catchUp } from '../../src/replica/catch-up.ts';
import { hookScripts } from '../../src/replica/hook-scripts.ts';
import { takeUp } from '../../src/replica/take-up.ts';

export default class Reconcile extends ReplicaCommand {
  static override summary =
    'Repair this member: hooks in place, refs what the group says, leftovers removed.';
  static override description = [
    'Compares refs with the state that the group agreed on, fetches what is missing, and moves them. What stood here and is nowhere ' +
      'else is kept under refs/gam/diverged/. Nothing changes on other members; each repairs itself, or by gam replica run.',
    'Members do this by themselves when a push shows them that they are behind. Run it from time to time (cron) on a member ' +
      'that nobody pushes to, or let gam replica run be at work.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> replica reconcile --repo /srv/git/project.git'];
  static override flags = { json: Flags.boolean({ summary: 'Print what was done as JSON.' }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(Reconcile);
    const replica = await this.needReplica(flags.repo);
    await installHooks(replica.gitDir, hookScripts(this.program()), replica.run);
    await takeUp(replica);
    const done = await catchUp(replica, (line) => {
      if (!flags.quiet) this.remark(line);
    });
    startWorker(replica, this.program());
    if (flags.json) this.sayJson(done);
    else if (!flags.quiet) {
      this.say(done.moved.length === 0 ? 'nothing to do' : `${done.moved.length} refs brought up to date`);
      for (const ref of done.kept)
        this.remark(`${ref} was not what the group has: kept under refs/gam/diverged/`);
    }
  }
}
