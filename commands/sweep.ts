import * as Flags from '@oclif/core/flags';
import { needRepository } from '../src/git/discover.ts';
import { removeLeftovers } from '../src/git/quarantine.ts';
import { removeStaged, sweepStaged } from '../src/git/staged.ts';
import { GamCommand } from '../src/main/command.ts';

export default class Sweep extends GamCommand {
  static override summary = 'Remove from refs/mirror/ what canonical has confirmed.';
  static override description = [
    'A ref under refs/mirror/ goes when its commit is reachable from a branch, a tag or a ' +
      'remote-tracking ref: it has done its work. The others stay, since nobody but a mirror has ' +
      'vouched for them; "gam status" tells which. Folders that killed helpers left behind go too. ' +
      'Fetches sweep by themselves; this is for the rest.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> sweep', '<%= config.bin %> sweep --unverified'];
  static override flags = {
    unverified: Flags.boolean({ summary: 'Drop as well what canonical has not confirmed.' }),
    json: Flags.boolean({ summary: 'Print {swept, unverified, dropped, leftovers}.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Sweep);
    const { objectsDir } = await needRepository(this.where);
    const talk = !flags.quiet && !flags.json;
    const { gone, left } = await sweepStaged(this.where);
    const leftovers = await removeLeftovers(objectsDir);
    if (talk) this.say(...this.tell(gone.length, flags.unverified ? 0 : left.length, leftovers.length));
    if (flags.unverified && left.length > 0) {
      if (talk)
        this.say(
          `dropping ${refs(left.length)} that canonical has not confirmed:`,
          ...left.map((ref) => `  ${ref.name}`),
        );
      await removeStaged(left, this.where);
    }
    if (!flags.json) return;
    const names = left.map((ref) => ref.name);
    this.sayJson({
      swept: gone.map((ref) => ref.name),
      unverified: flags.unverified ? [] : names,
      dropped: flags.unverified ? names : [],
      leftovers,
    });
  }

  private tell(swept: number, unverified: number, leftovers: number): string[] {
    const stay = unverified === 0 ? '' : `; ${refs(unverified)} stay unverified (gam status)`;
    const lines = [swept === 0 ? `nothing to sweep${stay}` : `swept ${refs(swept)}${stay}`];
    if (leftovers > 0)
      lines.push(`removed ${leftovers} folder${leftovers === 1 ? '' : 's'} of killed helpers`);
    return lines;
  }
}

function refs(count: number): string {
  return count === 1 ? '1 ref' : `${count} refs`;
}
