import * as Flags from '@oclif/core/flags';
import { interruptible } from '../../src/main/interruptible.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { layOutStatus } from '../../src/main/status-layout.ts';
import { type GroupStatus, groupStatus } from '../../src/replica/status.ts';
import { statusText } from '../../src/replica/status-lines.ts';

function isWell({ coordinator, members, hooks }: GroupStatus): boolean {
  return (
    coordinator.healthy === true &&
    members.every(({ state }) => state === 'current' || state === 'retired') &&
    Object.values(hooks).every((state) => state === 'installed')
  );
}

export default class Status extends ReplicaCommand {
  static override summary = 'Tell how the group stands: members, lag, queue, locks, coordinator.';
  static override description = [
    'Asks every member what its refs are, and the coordinator what they are meant to be, all at the same time. Whoever does not ' +
      'answer costs no more than replica.memberTimeout (30 s), and what the others tell is shown all the same.',
    'STATE is "current", how many refs are behind, "unreachable", or, where the coordinator cannot be asked, "answers". ' +
      '"Diverged" are refs at which a member has what the group never had, as far as this member can tell: somebody has written to it past ' +
      'gam. That is kept under refs/gam/diverged/ when the member is brought up to date.',
    'SINCE is for how long that has been so, at least: since a look from this member first showed it, or since the oldest push ' +
      'that waits here for the member. Looks are remembered, so run this from cron or have gam serve look.',
    'QUEUE is what this member still has to send to others: how many refs, and the age of the oldest note. What the others ' +
      'have queued, they tell themselves.',
    'With --json: {group, self, coordinator: {kind, arbiter, healthy, reason, latencyMs}, members: [{id, url, role, self, state, ' +
      'refsBehind, refsDiverged, refs: [{ref, has, meant, diverged, since}], refsUnlike, since, lastCurrent, reason, latencyMs, queued, ' +
      'queuedMs, lastFailure: {at, reason}, apart}], locks: [{ref, holder, transaction, since, leaseMs, ageMs}], hooks, diverged}. What is unknown is null; ' +
      'times are ISO 8601, but the since of a lock, which is in milliseconds since 1970.',
    'The exit code is 0 when all members are current and the hooks here are in place, and 1 otherwise; with -q that is all.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica status --repo /srv/git/project.git',
    '<%= config.bin %> replica status --refs',
    '<%= config.bin %> replica status --json',
    {
      description: 'From cron, which then sends a mail only when something is amiss:',
      command: '<%= config.bin %> replica status -q || <%= config.bin %> replica status',
    },
  ];
  static override flags = {
    json: Flags.boolean({ summary: 'Print it as JSON.' }),
    refs: Flags.boolean({ summary: 'Name every ref at which a member is behind, not only a few.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const replica = await this.needReplica(flags.repo);
    await interruptible(async (signal) => {
      const status = await groupStatus(replica, this.program(), signal);
      if (signal.aborted) return;
      if (flags.json) this.sayJson(status);
      else if (!flags.quiet)
        this.say(...layOutStatus(statusText(status, flags.refs, Date.now()), this.width()));
      if (!isWell(status)) process.exitCode = 1;
    });
  }
}
