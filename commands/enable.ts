import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { writeKey } from '../src/config/edit.ts';
import { GamError } from '../src/errors.ts';
import { helperVersion } from '../src/git/diagnosis.ts';
import { enableBase, usableForm, type Written } from '../src/git/enable.ts';
import { enableRemote } from '../src/git/enable-remote.ts';
import { GamCommand } from '../src/main/command.ts';
import { readEnabledBase } from '../src/mirror/base.ts';
import { printable } from '../src/protocol/text.ts';

export default class Enable extends GamCommand {
  static override summary = 'Send plain URLs through gam: every one under a base, or one remote.';
  static override description = [
    "With a base, the user's git configuration gets a conditional include: whenever a repository has " +
      'a remote whose URL starts with the base, its remote origin goes through gam. "git clone ' +
      'https://host/x" then uses mirrors, and every tool still sees the plain URL. It also gets ' +
      'protocol.mirror.allow = always, which submodules need.',
    'That needs git 2.36 and takes in the remote called origin only. For older git, or other names of ' +
      'remotes, --instead-of rewrites the URL itself (url.mirror::<base>.insteadOf). It shows in "git ' +
      'remote -v", and tools that read that, git-lfs among them, may not understand it. On git before ' +
      '2.36 this form is used by itself.',
    'With --remote, this repository gets remote.<name>.vcs = mirror. "gam disable" undoes each ' +
      'without a trace.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> enable https://github.com/ https://gitlab.com/',
    '<%= config.bin %> enable git@github.com:',
    '<%= config.bin %> enable --instead-of https://host.example/',
    '<%= config.bin %> enable --remote upstream',
  ];
  static override strict = false;
  static override args = {
    base: Args.string({ description: 'What the URLs start with; several may be given.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'One remote of this repository.', helpValue: '<name>' }),
    'instead-of': Flags.boolean({
      summary: 'Rewrite the URLs, in place of an include.',
      exclusive: ['remote'],
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Enable);
    const bases = (argv as string[]).map((base) => readEnabledBase(base));
    if ((bases.length === 0) === (flags.remote === undefined))
      throw new GamError('usage', 'give either bases or --remote <name>', {
        suggestion: 'see gam enable --help',
      });
    const lines: string[] = [];
    if (flags.remote !== undefined) {
      const written = await enableRemote(flags.remote, this.where);
      const name = printable(flags.remote);
      lines.push(
        ...(written === null
          ? [`${name} goes through gam already; nothing changed`]
          : [
              `${name} goes through gam from now on`,
              ...tell([written]),
              `undo: gam disable --remote ${name}`,
            ]),
      );
    }
    const form = flags['instead-of'] ? 'rewrite' : await usableForm(this.where);
    for (const base of bases) {
      const written = await enableBase(base, form, this.env, this.where);
      lines.push(
        ...(written.length === 0
          ? [`${base} is enabled already; nothing changed`]
          : [`${base} is enabled`, ...tell(written), `undo: gam disable ${base}`]),
      );
    }
    if (!flags.quiet) this.say(...lines);
    if ((await helperVersion(this.where)) === null)
      this.remark(
        'git finds no git-remote-mirror; until it is on PATH, git fails on these URLs (gam doctor)',
      );
  }
}

function tell(written: readonly Written[]): string[] {
  return [...new Set(written.map(({ file }) => file))].flatMap((file) => [
    `  ${file}`,
    ...written
      .filter((one) => one.file === file)
      .map(({ key, value }) => `    ${printable(writeKey(key))} = ${printable(value)}`),
  ]);
}
