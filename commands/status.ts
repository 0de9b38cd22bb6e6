import * as Flags from '@oclif/core/flags';
import { acceptPatterns } from '../src/config/accept.ts';
import { readRemotes } from '../src/config/remotes.ts';
import { GamError } from '../src/errors.ts';
import { readConfig } from '../src/git/config.ts';
import { needRepository } from '../src/git/discover.ts';
import { type KeptAside, listKept } from '../src/git/kept-clones.ts';
import { listLeftovers } from '../src/git/quarantine.ts';
import { inspectStaged } from '../src/git/staged.ts';
import { GamCommand } from '../src/main/command.ts';
import { writeTable } from '../src/main/table.ts';
import { formatAge, formatBytes } from '../src/mirror/account.ts';
import { candidateMirrors } from '../src/mirror/candidates.ts';
import { groupBySite, type UnverifiedSite } from '../src/mirror/unverified.ts';
import { printable } from '../src/protocol/text.ts';
import { recallOffers } from '../src/state/mirror-lists.ts';

/** What is to be told of a repository. */
interface Here {
  unverified: UnverifiedSite[];
  /** Staged refs that the next sweep removes. */
  reachable: number;
  leftovers: string[];
}

export default class Status extends GamCommand {
  static override summary = 'Show what mirrors have brought that canonical has not confirmed.';
  static override description = [
    'Lists, by remote and mirror, the refs under refs/mirror/ whose commits no real ref reaches: ' +
      'canonical was down, or does not have them. Nothing of it is in your branches.',
    'Tells, too, how much is kept of gam clones that broke off, where there is something, from any folder, also ' +
      'outside of repositories. Of which URL is not known, since only a hash of it is written: gam clone of the same ' +
      'URL goes on from there.',
    'With --json: {unverified: [{remote, site, heads, tags, refs}], reachable, leftovers, clones: [{folder, ' +
      'bytes, age, inUse}]}, and only clones where there is no repository. remote is null when no remote ' +
      'has that mirror any more; reachable counts the staged refs that the next sweep removes; leftovers ' +
      'are folders of killed helpers; age is in seconds, and a clone is inUse while a gam clone works with it.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override flags = {
    json: Flags.boolean({ summary: 'Print one JSON document.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const talk = !flags.quiet && !flags.json;
    const clones = await listKept(this.env);
    const here = await this.repository(clones.length > 0, talk);
    if (flags.json) return this.sayJson({ ...here, clones });
    if (!talk) return;
    if (here !== null) this.sayOfRepository(here);
    this.say(...tellKept(clones));
  }

  /**
   * Null where there is none, or none that git would work in, but `other` things to tell; `talk` has git's
   * reason told.
   */
  private async repository(other: boolean, talk: boolean): Promise<Here | null> {
    try {
      const { objectsDir } = await needRepository(this.where);
      const entries = await readConfig(this.where);
      const remoteOf = new Map(
        readRemotes(entries).flatMap(({ name, canonical }) =>
          candidateMirrors(
            entries,
            name,
            canonical,
            recallOffers(canonical, acceptPatterns(entries).patterns, this.env),
          ).map((mirror) => [mirror.site, name] as const),
        ),
      );
      const { gone, left } = await inspectStaged(this.where);
      const leftovers = await listLeftovers(objectsDir);
      return { unverified: groupBySite(left, remoteOf), reachable: gone.length, leftovers };
    } catch (error) {
      if (!other || !(error instanceof GamError && error.code === 'not-a-repository')) throw error;
      if (talk) this.remark(error.message);
      return null;
    }
  }

  private sayOfRepository({ unverified, reachable, leftovers }: Here): void {
    if (unverified.length > 0) this.say(...this.tell(unverified));
    const rest = [
      ...(reachable > 0 ? [`${reachable} staged and confirmed`] : []),
      ...(leftovers.length > 0 ? [`${leftovers.length} left by killed helpers`] : []),
    ];
    if (rest.length > 0) this.say(`${rest.join(', ')}: gam sweep removes them`);
    else if (unverified.length === 0) this.say('nothing is unverified: every ref here comes from canonical');
  }

  private tell(unverified: readonly UnverifiedSite[]): string[] {
    const rows = unverified.map(({ remote, site, heads, tags }) => [
      printable(remote ?? '-'),
      String(heads),
      String(tags),
      site,
    ]);
    const next = unverified.flatMap(({ remote }) => (remote === null ? [] : [remote]));
    const steps = [...new Set(next)].map((remote) => [
      `git fetch ${printable(remote)}`,
      'promotes what canonical confirms',
    ]);
    steps.push([`git log ${unverified[0]?.refs[0]}`, 'shows what came']);
    steps.push(['gam sweep --unverified', 'drops it all']);
    const [, ...aligned] = writeTable(['', ''], steps, null);
    return [...writeTable(['REMOTE', 'HEADS', 'TAGS', 'SITE'], rows, this.width()), '', ...aligned];
  }
}

function tellKept(clones: readonly KeptAside[]): string[] {
  const broken = clones.filter((one) => !one.inUse);
  const used = clones.length - broken.length;
  const lines = used > 0 ? [`${used} kept by gam clones at work`] : [];
  const [latest] = broken;
  if (latest === undefined) return lines;
  const bytes = formatBytes(broken.reduce((sum, one) => sum + one.bytes, 0));
  const many =
    broken.length === 1 ? '1 clone that broke off is' : `${broken.length} clones that broke off are`;
  const when = `${broken.length === 1 ? '' : 'the last one '}${formatAge(latest.age)} old`;
  return [
    ...lines,
    `${many} kept (${bytes}, ${when}): gam clone of the same URL goes on from there,`,
    `  gam sweep --clones drops ${broken.length === 1 ? 'it' : 'them'}`,
  ];
}
