import { existsSync } from 'node:fs';
import { join as joinPath, resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { GamError } from '../../src/errors.ts';
import { ReplicaCommand } from '../../src/main/replica-command.ts';
import { parseGitUrl } from '../../src/protocol/git-url.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { copySecret } from '../../src/replica/copy-secret.ts';
import { readSecretFile } from '../../src/replica/enrol.ts';
import { checkId, type Role } from '../../src/replica/group.ts';
import { joinGroup } from '../../src/replica/join-group.ts';

export default class Join extends ReplicaCommand {
  static override summary = 'Join a group with this repository.';
  static override description = [
    'Brings what the group has, installs the hooks, and makes this repository a member on all others. It must be bare; a new ' +
      'one, from git init --bare, will do. What it has that the group has not is not overwritten: join then says what ' +
      'differs. With --keep-aside that lies under refs/gam/diverged/ afterwards.',
    "The group's secret is read from the member itself where its URL is a path, and else from --secret.",
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> replica join git@eu.example:p.git --id us --url git@us.example:p.git --secret eu',
    '<%= config.bin %> replica join /srv/eu/p.git --id copy --url /srv/copy/p.git --role follower',
  ];
  static override args = { member: Args.string({ description: 'The URL of a member.', required: true }) };
  static override flags = {
    id: Flags.string({
      summary: 'A short name for this member, such as its place.',
      required: true,
      helpValue: '<id>',
    }),
    url: Flags.string({ summary: 'How the other members reach it.', required: true, helpValue: '<url>' }),
    role: Flags.string({
      summary: 'Whether it takes pushes, or follows.',
      options: ['primary', 'follower'],
      default: 'primary',
    }),
    secret: Flags.string({ summary: "A file with the group's secret.", helpValue: '<file>' }),
    'keep-aside': Flags.boolean({ summary: 'Keep what differs under refs/gam/diverged/.' }),
    json: Flags.boolean({ summary: 'Print the group as JSON.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Join);
    const id = checkId('the id of a member', flags.id);
    const { gitDir, run } = await this.findMember(flags.repo);
    await this.needNoMember(gitDir);
    const secret = this.findSecret(args.member, flags.secret);
    const remark = (line: string) => {
      if (!flags.quiet) this.remark(line);
    };
    const group = await joinGroup(
      gitDir,
      {
        from: args.member,
        member: { id, url: flags.url, role: flags.role as Role },
        secret,
        keepAside: flags['keep-aside'],
        program: this.program(),
        warn: remark,
        tell: remark,
      },
      run,
    );
    if (flags.json) this.sayJson(group);
    else if (!flags.quiet)
      this.say(`${id} is a ${flags.role} of ${group.name}, with ${group.members.length - 1} others`);
  }

  private findSecret(url: string, named: string | undefined): string {
    if (named !== undefined) return readSecretFile(resolve(this.where.cwd, named));
    const parsed = parseGitUrl(url);
    const path = parsed.kind === 'file' ? resolve(this.where.cwd, parsed.path) : null;
    const file =
      path === null
        ? undefined
        : ['', '.git', '/.git']
            .map((end) => joinPath(`${path}${end}`, 'gam/replica/secret'))
            .find((one) => existsSync(one));
    if (file !== undefined) return readSecretFile(file);
    const isThere = path === null || ['', '.git'].some((end) => existsSync(`${path}${end}`));
    throw new GamError(
      'usage',
      isThere ? "the group's secret is not known here" : `there is no repository at ${redactUrl(url)}`,
      isThere
        ? { suggestion: `copy it, and name the copy with --secret: ${copySecret(url, null, 'group.secret')}` }
        : {},
    );
  }
}
