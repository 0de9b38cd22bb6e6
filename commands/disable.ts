import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { writeKey } from '../src/config/edit.ts';
import { GamError } from '../src/errors.ts';
import { disableBase, type Written } from '../src/git/enable.ts';
import { disableRemote } from '../src/git/enable-remote.ts';
import { GamCommand } from '../src/main/command.ts';
import { readEnabledBase } from '../src/mirror/base.ts';
import { printable } from '../src/protocol/text.ts';

export default class Disable extends GamCommand {
  static override summary = 'Undo gam enable without a trace.';
  static override description = [
    'Removes what "gam enable" wrote for these bases, in either form. With the last base go ' +
      "protocol.mirror.allow, if it was gam that wrote it, and gam's own files, so that the " +
      'configuration is what it was before.',
    'With --remote, remote.<name>.vcs goes from this repository.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> disable https://github.com/',
    '<%= config.bin %> disable --remote upstream',
  ];
  static override strict = false;
  static override args = {
    base: Args.string({ description: 'A base that was enabled; several may be given.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'One remote of this repository.', helpValue: '<name>' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Disable);
    const bases = (argv as string[]).map((base) => readEnabledBase(base));
    if ((bases.length === 0) === (flags.remote === undefined))
      throw new GamError('usage', 'give either bases or --remote <name>', {
        suggestion: 'see gam disable --help',
      });
    const lines: string[] = [];
    if (flags.remote !== undefined) {
      const { removed, still } = await disableRemote(flags.remote, this.where);
      const name = printable(flags.remote);
      lines.push(
        ...(removed === null
          ? [`remote.${name}.vcs is not mirror here; nothing changed`]
          : [`removed`, ...tell([removed])]),
      );
      if (still) lines.push(`${name} goes through gam all the same: by its URL, or by an enabled base`);
    }
    for (const base of bases) {
      const removed = await disableBase(base, this.env, this.where);
      lines.push(
        ...(removed.length === 0
          ? [`${base} is not enabled; nothing changed`]
          : [`${base} is no longer enabled; removed`, ...tell(removed)]),
      );
    }
    if (!flags.quiet) this.say(...lines);
  }
}

function tell(removed: readonly Written[]): string[] {
  return removed.map(({ key, file }) => `  ${printable(writeKey(key))} from ${file}`);
}
