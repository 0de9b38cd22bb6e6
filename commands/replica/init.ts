import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { copySecret } from '../../src/replica/copy-secret.ts';
import { foundGroup } from '../../src/replica/found-group.ts';
import { checkId } from '../../src/replica/group.ts';

export default class Init extends ReplicaCommand {
  static override summary = 'Found a group: this repository is its first member.';
  static override description = [
    'A group is one repository at several places. Its primaries take pushes and move in lock-step: a push is acknowledged when ' +
      'more than half of them have it, and no two pushes that exclude each other are both acknowledged. Followers take no ' +
      'pushes, and follow within seconds.',
    'This repository becomes a primary. It must be bare, and its git 2.29 or newer. Its hooks go on as before, beside ' +
      "gam's; its configuration gets replica.self, and includes gam/replica/group, which is the same on all members.",
    'What members must agree on, the coordinator keeps: with "git", refs of this repository do, the arbiter; while it cannot be ' +
      'reached, pushes are refused and fetches go on. With "etcd:<host:port>,..." an etcd cluster does, which survives the ' +
      'loss of a minority.',
    "Members prove themselves to each other by the group's secret, in gam/replica/secret: to join from another server, copy " +
      'it there, and name it with --secret.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica init project --id eu --url git@eu.example:project.git',
    '<%= config.bin %> replica init project --id eu --url /srv/p.git --coordinator etcd:db:2379',
  ];
  static override args = { group: Args.string({ description: 'A name for the group.', required: true }) };
  static override flags = {
    id: Flags.string({
      summary: 'A short name for this member, such as its place.',
      required: true,
      helpValue: '<id>',
    }),
    url: Flags.string({ summary: 'How the other members reach it.', required: true, helpValue: '<url>' }),
    coordinator: Flags.string({
      summary: 'What keeps locks and state: git, or etcd:<endpoints>.',
      default: 'git',
      helpValue: '<kind>',
    }),
    json: Flags.boolean({ summary: 'Print the group as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Init);
    const name = checkId('the name of a group', args.group);
    const id = checkId('the id of a member', flags.id);
    const { gitDir, run } = await this.findMember(flags.repo);
    await this.needNoMember(gitDir);
    const { url, coordinator } = flags;
    const founding = {
      name,
      id,
      url,
      coordinator,
      program: this.program(),
      warn: (line: string) => this.remark(line),
    };
    const group = await foundGroup(gitDir, founding, run);
    if (flags.json) this.sayJson(group);
    else if (!flags.quiet)
      this.say(
        `${group.name} is founded, with ${id} as its first member`,
        'to join it, in a bare repository on another server:',
        `  ${copySecret(url, gitDir, `${name}.secret`)}`,
        `  gam replica join ${redactUrl(url)} --id <id> --url <its url> --secret ${name}.secret`,
      );
  }
}
