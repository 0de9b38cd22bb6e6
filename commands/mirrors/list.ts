import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { GamError } from '../../src/errors.ts';
import { readConfig } from '../../src/git/config.ts';
import { discoverRepository, needRepository } from '../../src/git/discover.ts';
import { GamCommand } from '../../src/main/command.ts';
import { writeTable } from '../../src/main/table.ts';
import { listMirrors, listTargets } from '../../src/mirror/listing.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';

export default class List extends GamCommand {
  static override summary = 'Show the mirrors that a fetch would use.';
  static override description = [
    'In a repository: the mirrors of all its remotes, or of one (--remote). With a URL: those for a ' +
      'clone of it. Outside a repository and without a URL: everything configured by mirror.<base>.url.',
    'They stand in the order in which they are tried. STATE is "ready", "preferred" (ready, and tried ' +
      'first) or "refused" (never contacted; the reason follows the table). SOURCE is "config" for ' +
      'remote.<name>.mirrorUrl and "prefix" for mirror.<base>.url. SITE names where refs are staged: ' +
      'refs/mirror/<site>/.',
    'With --json: an array of {url, site, canonical, source, preferred, priority, location, state, ' +
      'reason, latencyMs, bytesPerSecond, lag, hits, misses, lastUsed}; state is "ready" or "refused"; ' +
      'what is not known is null.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors list',
    '<%= config.bin %> mirrors list --remote upstream --json',
    '<%= config.bin %> mirrors list https://github.com/git/git',
  ];
  static override args = {
    url: Args.string({ description: 'The canonical URL, with or without mirror::.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'Show the mirrors of this remote only.', helpValue: '<name>' }),
    json: Flags.boolean({ summary: 'Print one JSON document.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(List);
    if (args.url !== undefined && flags.remote !== undefined)
      throw new GamError('usage', 'give a URL or --remote, not both');
    if (flags.remote !== undefined) await needRepository(this.where);
    const inRepository = (await discoverRepository(this.where)) !== null;
    const entries = await readConfig(this.where);
    const targets = listTargets(entries, { inRepository, url: args.url, remote: flags.remote });
    const listed = targets.map((target) => ({ target, mirrors: listMirrors(entries, target) }));
    const all = listed.flatMap(({ mirrors }) => mirrors);
    if (flags.json) return this.sayJson(all);
    if (flags.quiet) return;
    if (all.length === 0) return this.say(this.nextStep(inRepository, args.url, targets.length));

    const header = [inRepository ? 'REMOTE' : 'FOR', 'STATE', 'SOURCE', 'SITE', 'URL'];
    const rows = listed.flatMap(({ target, mirrors }) =>
      mirrors.map((mirror) => [
        target.remote === null ? redactUrl(target.canonical) : printable(target.remote),
        mirror.preferred && mirror.state === 'ready' ? 'preferred' : mirror.state,
        mirror.source,
        mirror.site,
        mirror.url,
      ]),
    );
    this.say(...writeTable(header, rows, this.width()));
    for (const { url, reason } of all) if (reason !== null) this.say(`refused: ${url}: ${reason}`);
  }

  private nextStep(inRepository: boolean, url: string | undefined, targets: number): string {
    if (url !== undefined || !inRepository)
      return `No mirrors${url === undefined ? '' : ' for this URL'}; add one with: gam mirrors add <mirror-url> --for <base> --global`;
    if (targets === 0) return 'This repository has no remote; add one with: git remote add origin <url>';
    return 'No mirrors here; add one with: gam mirrors add <mirror-url>';
  }
}
