import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { audit } from '../src/check/audit.ts';
import { writeAudit } from '../src/check/audit-text.ts';
import { readSettings } from '../src/config/settings.ts';
import { GamError } from '../src/errors.ts';
import { readConfig } from '../src/git/config.ts';
import { discoverRepository, needRepository } from '../src/git/discover.ts';
import { GamCommand } from '../src/main/command.ts';
import { auditTarget } from '../src/mirror/audit-target.ts';

/** Where lines end, but on a terminal that is narrower. */
const WIDTH = 80;

export default class Audit extends GamCommand {
  static override summary = 'Show whom a clone or fetch would contact, and what each would see.';
  static override description = [
    'Of canonical and of every mirror, in the order in which they would be tried (but for one run in ten, in which a mirror ' +
      'that was never measured goes first): the URL that is contacted, with ' +
      'which credentials and where these are from, the headers by name, the proxy, the user agent, the refs that ' +
      'are asked for and the commits here whose ids are told; of a mirror that is refused, why. It is the most that each ' +
      'may see: a fetch with nothing new leaves most mirrors alone, and a clone ends with the first that serves. ' +
      'Canonical is told, too, which commits a mirror has just brought.',
    'Nobody is contacted for that, no name is looked up, and no credential helper is asked. The value of a header, a ' +
      'cookie, or a login is not shown. What ssh and a credential helper do by themselves is theirs: whom they ask ' +
      'is not known here.',
    'In a repository: of origin, of the only remote, or of --remote. With a URL: of the remote here that has it, or of a ' +
      'clone of it. "always" credentials go with every request, the others when the server asks who is there.',
    'With --json: {url, canonical, remote, throughGam, hosts: [{role, rank, url, rewrittenFrom, transport, host, port, ' +
      'service, state, reason, source, preferred, credentials: [{kind, from, sent}], headers: [{name, from, always}], ' +
      'proxy: {url, from, login}, userAgent, refs, haves: {refs, tips}, addresses}]}; role is "canonical" or "mirror", ' +
      'state is "ready", "backing-off", "refused" or "off"; from is null for git\'s own headers; what is not known, or ' +
      'is not there, is null.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> audit',
    '<%= config.bin %> audit https://github.com/git/git',
    '<%= config.bin %> audit --remote upstream --json',
  ];
  static override args = {
    url: Args.string({ description: 'The canonical URL, with or without mirror::.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'Of a fetch from this remote.', helpValue: '<name>' }),
    json: Flags.boolean({ summary: 'Print one JSON document.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Audit);
    if (args.url !== undefined && flags.remote !== undefined)
      throw new GamError('usage', 'give a URL or --remote, not both');
    if (args.url === undefined) await needRepository(this.where);
    const inRepository = (await discoverRepository(this.where)) !== null;
    const entries = await readConfig(this.where);
    const target = auditTarget(entries, { inRepository, url: args.url, remote: flags.remote });
    const seen = await audit(target, { entries, env: this.env, cwd: this.where.cwd, inRepository });
    if (!flags.quiet) for (const warning of readSettings(entries).warnings) this.remark(warning);
    if (flags.json) return this.sayJson(seen);
    if (flags.quiet) return;
    this.say(...writeAudit(seen, Math.min(this.width() ?? WIDTH, WIDTH)));
    if (!seen.throughGam) this.remark('plain git does not go through gam there; gam clone and gam fetch do');
  }
}
