import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { GamError } from '../../src/errors.ts';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { printable } from '../../src/protocol/text.ts';
import { unfitValue } from '../../src/sync/watch-list.ts';
import { addWatched } from '../../src/sync/watched.ts';

export default class Add extends WatchCommand {
  static override summary = 'Watch a folder: commit what changes there, and keep it in step with its remote.';
  static override description = [
    'The folder is a clone, or any repository with a remote. What is new, changed or deleted is committed once nothing has changed for the ' +
      'delay, and pushed; what others push comes here. Not committed is what git ignores, what is being written, what is larger ' +
      'than --size-limit, and repositories within. Where two have changed the same lines, both versions are kept (--on-conflict).',
    'What is said here is kept in $XDG_CONFIG_HOME/gam/watch (~/.config/gam/watch), in the format of git config, and may be edited. ' +
      'A folder that is watched already gets what is said anew. gam watch start begins.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> watch add ~/notes',
    '<%= config.bin %> watch add ~/notes --delay 5s --ignore "*.tmp" --message "{host}: {names}"',
  ];
  static override args = { dir: Args.string({ required: true, description: 'The folder.' }) };
  static override flags = {
    remote: Flags.string({ summary: 'With which remote.', helpValue: '<name>' }),
    branch: Flags.string({ summary: 'Which branch.', helpValue: '<name>' }),
    delay: Flags.string({
      summary: 'How long nothing may change before a commit is made: 500ms, 5s, 2m.',
      helpValue: '<t>',
    }),
    message: Flags.string({
      summary: 'The message of commits; {names}, {count} and {host} are filled in.',
      helpValue: '<text>',
    }),
    'on-conflict': Flags.option({
      options: ['keep-both', 'stop', 'ours', 'theirs'] as const,
      summary: 'What to do about files that cannot be merged; keep-both without it.',
    })(),
    ignore: Flags.string({
      summary: 'Not to be committed, as in .gitignore; several may be given.',
      helpValue: '<pattern>',
      multiple: true,
    }),
    'size-limit': Flags.string({
      summary: 'Larger files are not committed: 500k, 100m, 2g.',
      helpValue: '<size>',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Add);
    const words = {
      remote: flags.remote,
      branch: flags.branch,
      delay: flags.delay,
      message: flags.message,
      onConflict: flags['on-conflict'],
      sizeLimit: flags['size-limit'],
      ignore: flags.ignore,
    };
    for (const [flag, value] of Object.entries(flags)) {
      const wrong = typeof value === 'string' ? unfitValue(flag.replaceAll('-', ''), value) : null;
      if (wrong !== null)
        throw new GamError('usage', `--${flag}: ${wrong}`, { suggestion: 'see gam watch add --help' });
    }
    const added = await addWatched(resolve(this.where.cwd, args.dir), words, this.places, this.env);
    const isTold = await this.tellWatcher();
    if (flags.quiet) return;
    const pair = `${printable(added.branch)} at ${printable(added.remote)}`;
    this.say(`${printable(added.dir)} ${added.isNew ? 'is on the list' : 'stays on the list'}: with ${pair}`);
    if (!isTold) this.remark('nobody watches yet: gam watch start');
  }
}
