import * as Flags from '@oclif/core/flags';
import { discoverRepository, needRepository } from '../src/git/discover.ts';
import { dropKept, type KeptAside } from '../src/git/kept-clones.ts';
import { removeLeftovers } from '../src/git/quarantine.ts';
import { removeStaged, sweepStaged } from '../src/git/staged.ts';
import { GamCommand } from '../src/main/command.ts';
import { formatBytes } from '../src/mirror/account.ts';

export default class Sweep extends GamCommand {
  static override summary = 'Remove from refs/mirror/ what canonical has confirmed.';
  static override description = [
    'A ref under refs/mirror/ goes when its commit is reachable from a branch, a tag or a ' +
      'remote-tracking ref: it has done its work. The others stay, since nobody but a mirror has ' +
      'vouched for them; "gam status" tells which. Folders that killed helpers left behind go too. ' +
      'Fetches sweep by themselves; this is for the rest.',
    'With --clones goes, too, what gam clone has kept of clones that broke off, whatever their URL; ' +
      'never what a gam clone works with. This needs no repository, and outside of one does nothing else: ' +
      'then --json prints only clones, a list of {folder, bytes, age, inUse}.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> sweep',
    '<%= config.bin %> sweep --unverified',
    '<%= config.bin %> sweep --clones',
  ];
  static override flags = {
    unverified: Flags.boolean({ summary: 'Drop as well what canonical has not confirmed.' }),
    clones: Flags.boolean({
      summary: 'Drop as well what is kept of gam clones that broke off; works anywhere.',
    }),
    json: Flags.boolean({ summary: 'Print {swept, unverified, dropped, leftovers, clones}.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Sweep);
    const talk = !flags.quiet && !flags.json;
    const only = flags.clones && !flags.unverified && (await discoverRepository(this.where)) === null;
    const swept = only ? {} : await this.sweepRepository(flags.unverified, talk);
    const { dropped, inUse } = flags.clones ? await dropKept(this.env) : { dropped: [], inUse: [] };
    if (talk && flags.clones) this.say(tellDropped(dropped, inUse.length));
    if (flags.json) this.sayJson({ ...swept, clones: dropped });
  }

  /** @returns what was done, for scripts */
  private async sweepRepository(unverified: boolean, talk: boolean): Promise<object> {
    const { objectsDir } = await needRepository(this.where);
    const { gone, left } = await sweepStaged(this.where);
    const leftovers = await removeLeftovers(objectsDir);
    if (talk) this.say(...this.tell(gone.length, unverified ? 0 : left.length, leftovers.length));
    if (unverified && left.length > 0) {
      if (talk)
        this.say(
          `dropping ${refs(left.length)} that canonical has not confirmed:`,
          ...left.map((ref) => `  ${ref.name}`),
        );
      await removeStaged(left, this.where);
    }
    const names = left.map((ref) => ref.name);
    return {
      swept: gone.map((ref) => ref.name),
      unverified: unverified ? [] : names,
      dropped: unverified ? names : [],
      leftovers,
    };
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

function tellDropped(dropped: readonly KeptAside[], inUse: number): string {
  const bytes = formatBytes(dropped.reduce((sum, one) => sum + one.bytes, 0));
  const many = dropped.length === 1 ? '1 kept clone' : `${dropped.length} kept clones`;
  const stay = inUse === 0 ? '' : `; ${inUse} in use ${inUse === 1 ? 'stays' : 'stay'}`;
  return `${dropped.length === 0 ? 'no kept clone to drop' : `dropped ${many} (${bytes})`}${stay}`;
}
