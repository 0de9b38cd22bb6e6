import * as Flags from '@oclif/core/flags';
import { readRemotes } from '../src/config/remotes.ts';
import { readConfig } from '../src/git/config.ts';
import { needRepository } from '../src/git/discover.ts';
import { listLeftovers } from '../src/git/quarantine.ts';
import { inspectStaged } from '../src/git/staged.ts';
import { GamCommand } from '../src/main/command.ts';
import { writeTable } from '../src/main/table.ts';
import { candidateMirrors } from '../src/mirror/candidates.ts';
import { groupBySite, type UnverifiedSite } from '../src/mirror/unverified.ts';
import { printable } from '../src/protocol/text.ts';

export default class Status extends GamCommand {
  static override summary = 'Show what mirrors have brought that canonical has not confirmed.';
  static override description = [
    'Lists, by remote and mirror, the refs under refs/mirror/ whose commits no real ref reaches: ' +
      'canonical was down, or does not have them. Nothing of it is in your branches.',
    'With --json: {unverified: [{remote, site, heads, tags, refs}], reachable, leftovers}. remote is ' +
      'null when no remote has that mirror any more; reachable counts the staged refs that the next ' +
      'sweep removes; leftovers are folders of killed helpers.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json'];
  static override flags = {
    json: Flags.boolean({ summary: 'Print one JSON document.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const { objectsDir } = await needRepository(this.where);
    const entries = await readConfig(this.where);
    const remoteOf = new Map(
      readRemotes(entries).flatMap(({ name, canonical }) =>
        candidateMirrors(entries, name, canonical).map((mirror) => [mirror.site, name] as const),
      ),
    );
    const { gone, left } = await inspectStaged(this.where);
    const leftovers = await listLeftovers(objectsDir);
    const unverified = groupBySite(left, remoteOf);
    if (flags.json) return this.sayJson({ unverified, reachable: gone.length, leftovers });
    if (flags.quiet) return;
    if (unverified.length > 0) this.say(...this.tell(unverified));
    const rest = [
      ...(gone.length > 0 ? [`${gone.length} staged and confirmed`] : []),
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
