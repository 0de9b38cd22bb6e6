import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { startWorker } from '../../src/main/member-process.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { checkId } from '../../src/replica/group.ts';
import { hostMember } from '../../src/replica/host-member.ts';

export default class Host extends ReplicaCommand {
  static override summary = 'Keep a repository of a forge up to date with the group, both ways.';
  static override description = [
    'Run at a primary, it takes the repository of a URL into the group where nothing can be installed: no hook, no gam. What is pushed ' +
      'to a primary is there within seconds. What is pushed there comes by looking: every 30 seconds while gam replica run is at ' +
      'work at a primary, or at once by a webhook (gam serve).',
    'Hosted members are not in lock-step: two pushes that exclude each other can both be acknowledged, one here and one there. ' +
      'Each side is only ever moved forward. Where both have moved, or one was rewritten, neither changes: both tips are kept (those ' +
      'of the forge under refs/gam/diverged/ on the primaries), and gam replica status tells, until somebody merges them. ' +
      'With --on-conflict stop, no other ref goes either way meanwhile. With --on-conflict merge, branches that both sides have brought ' +
      'forward are merged where git can do that alone (see gam merge), at the primary that sees it first; this needs git 2.38 there.',
    'Logins are those that git finds on the primaries: keys, credential helpers.',
    'For a webhook: put its secret into a file, name that by git config replica.<id>.hookSecretFile in the repository, and have the ' +
      'forge call <URL of the repository in gam serve>/-/replica/hook. GitHub, GitLab, Gitea and Forgejo are understood.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica host git@github.com:me/project.git --id github --repo /srv/git/project.git',
  ];
  static override args = {
    url: Args.string({ description: 'Where the repository is, for all primaries.', required: true }),
  };
  static override flags = {
    id: Flags.string({ summary: 'A short name for it.', required: true, helpValue: '<id>' }),
    'on-conflict': Flags.option({
      summary: 'What to do about refs that have moved apart.',
      options: ['keep-both', 'merge', 'stop'] as const,
      default: 'keep-both',
    })(),
    json: Flags.boolean({ summary: 'Print the group as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Host);
    const id = checkId('the id of a member', flags.id);
    const replica = await this.needReplica(flags.repo);
    const remark = (line: string) => {
      if (!flags.quiet) this.remark(line);
    };
    const policy = flags['on-conflict'];
    const apart = policy === 'keep-both' ? {} : { onConflict: policy };
    const group = await hostMember(replica, { id, url: args.url, role: 'hosted', ...apart }, remark);
    startWorker(replica, this.program());
    if (flags.json) this.sayJson(group);
    else if (!flags.quiet)
      this.say(
        `${redactUrl(args.url)} is ${id} of ${group.name} now`,
        `what is pushed there comes while this is at work: gam replica run --repo ${replica.gitDir}`,
      );
  }
}
