import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { readSettings } from '../../src/config/settings.ts';
import { GamError } from '../../src/errors.ts';
import { readConfig } from '../../src/git/config.ts';
import { discoverRepository, needRepository } from '../../src/git/discover.ts';
import { GamCommand } from '../../src/main/command.ts';
import { layOut } from '../../src/main/table.ts';
import { watch } from '../../src/main/watch.ts';
import { type ListedMirror, listMirrors, listTargets, type Target } from '../../src/mirror/listing.ts';
import { mirrorColumns } from '../../src/mirror/mirror-columns.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';
import { addressesOf, recallAt } from '../../src/state/addresses.ts';
import { recallOffers } from '../../src/state/mirror-lists.ts';

/** The mirrors of everything that was asked for. */
interface Seen {
  /** Settings that cannot be read. */
  warnings: string[];
  inRepository: boolean;
  listed: { target: Target; mirrors: ListedMirror[] }[];
}

export default class List extends GamCommand {
  static override summary = 'Show the mirrors that a fetch would use.';
  static override description = [
    'In a repository: the mirrors of all its remotes, or of one (--remote). With a URL: those for a ' +
      'clone of it. Outside a repository and without a URL: everything configured by mirror.<base>.url.',
    'They stand in the order in which they are tried: RANK. STATE is "ready", "preferred" (ready, and tried ' +
      'first), "backing-off" (it failed, and goes last for a while) or "refused" (never contacted); the ' +
      'reason follows the table. SOURCE is "config" for remote.<name>.mirrorUrl, "prefix" for ' +
      'mirror.<base>.url, "server" for what canonical itself has named (gam mirrors refresh), and "published" for what the list ' +
      'at its refs/meta/mirrors names (gam mirrors publish). SITE names where refs are staged: refs/mirror/<site>/.',
    'What fetches in this network have shown, and gam mirrors check: LATENCY until a mirror answers, RATE of ' +
      'packs, LAG behind canonical in commits and time, HITS (how often it had something to bring), SAVED ' +
      '(bytes that canonical need not send), USED (how long ago). What is unknown is "-"; columns without ' +
      'anything are left out, and on a narrow terminal those of least worth.',
    'Those that were never measured stand in the order of their DISTANCE, shown where there is such a one: the ' +
      'location of a mirror is that of its address by geoip-lite, looked up by gam mirrors add and check; that of ' +
      'this machine is gam.location ("DE", "52.5,13.4"), or else that of an own public address or the time zone.',
    '--watch draws it anew every two seconds until Ctrl-C, which ends it with status 0.',
    'With --json: an array of {url, site, canonical, source, preferred, priority, location, state, ' +
      'reason, latencyMs, bytesPerSecond, lag, hits, misses, lastUsed, rank, lagSeconds, bytesSaved, ' +
      'failures, distanceKm}; state is "ready", "backing-off" or "refused"; what is not known is null.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors list',
    '<%= config.bin %> mirrors list --remote upstream --json',
    '<%= config.bin %> mirrors list https://github.com/git/git',
    '<%= config.bin %> mirrors list --watch',
  ];
  static override args = {
    url: Args.string({ description: 'The canonical URL, with or without mirror::.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'Show the mirrors of this remote only.', helpValue: '<name>' }),
    json: Flags.boolean({ summary: 'Print one JSON document.' }),
    watch: Flags.boolean({
      summary: 'Draw it anew every two seconds, until Ctrl-C.',
      exclusive: ['json', 'quiet'],
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(List);
    if (args.url !== undefined && flags.remote !== undefined)
      throw new GamError('usage', 'give a URL or --remote, not both');
    if (flags.watch) return watch(async () => this.table(await this.look(args.url, flags.remote), args.url));
    const seen = await this.look(args.url, flags.remote);
    if (!flags.quiet) for (const warning of seen.warnings) this.remark(warning);
    if (flags.json) return this.sayJson(seen.listed.flatMap(({ mirrors }) => mirrors));
    if (!flags.quiet) this.say(...this.table(seen, args.url));
  }

  private async look(url: string | undefined, remote: string | undefined): Promise<Seen> {
    if (remote !== undefined) await needRepository(this.where);
    const [repository, entries] = await Promise.all([discoverRepository(this.where), readConfig(this.where)]);
    const inRepository = repository !== null;
    const { settings, warnings } = readSettings(entries);
    const now = Date.now();
    const listed = listTargets(entries, { inRepository, url, remote }).map((target) => ({
      target,
      mirrors: listMirrors(
        entries,
        target,
        recallOffers(target.canonical, settings.acceptMirrorUrl, this.env),
        recallAt(addressesOf(target.canonical, this.env), this.env, settings.location),
        now,
      ),
    }));
    return { warnings, inRepository, listed };
  }

  private table({ inRepository, listed }: Seen, url: string | undefined): string[] {
    const all = listed.flatMap(({ mirrors }) => mirrors);
    if (all.length === 0) return [this.nextStep(inRepository, url, listed.length)];
    const owners = listed.flatMap(({ target, mirrors }) =>
      mirrors.map(() => (target.remote === null ? redactUrl(target.canonical) : printable(target.remote))),
    );
    const columns = mirrorColumns(all, inRepository ? 'REMOTE' : 'FOR', owners, Date.now());
    const reasons = all.flatMap(({ state, url: of, reason }) =>
      reason === null ? [] : [`${state}: ${of}: ${reason}`],
    );
    return [...layOut(columns, this.width()), ...reasons];
  }

  private nextStep(inRepository: boolean, url: string | undefined, targets: number): string {
    if (url !== undefined || !inRepository)
      return `No mirrors${url === undefined ? '' : ' for this URL'}; add one with: gam mirrors add <mirror-url> --for <base> --global`;
    if (targets === 0) return 'This repository has no remote; add one with: git remote add origin <url>';
    return 'No mirrors here; add one with: gam mirrors add <mirror-url>';
  }
}
