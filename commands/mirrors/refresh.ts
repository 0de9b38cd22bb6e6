import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { askForList } from '../../src/check/ask-list.ts';
import { readSettings, type Settings } from '../../src/config/settings.ts';
import { GamError } from '../../src/errors.ts';
import { readConfig } from '../../src/git/config.ts';
import { discoverRepository, needRepository } from '../../src/git/discover.ts';
import { GamCommand } from '../../src/main/command.ts';
import { FAILED } from '../../src/main/failure.ts';
import { interruptible } from '../../src/main/interruptible.ts';
import { listLines } from '../../src/mirror/list-lines.ts';
import { listTargets, type Target } from '../../src/mirror/listing.ts';
import { judgeOffers } from '../../src/mirror/offers.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';
import { keepList, keepNone, keepSilence, type ListOwner } from '../../src/state/keep-list.ts';
import { forgetList } from '../../src/state/mirror-lists.ts';
import { unmarkUnlisted } from '../../src/state/unlisted.ts';

export default class Refresh extends GamCommand {
  static override summary = 'Ask canonical for its list of mirrors.';
  static override description = [
    'A server may name its mirrors itself (protocol v2, "mirror-list"). A fetch asks for that list by itself, as often as ' +
      'the list says; this asks now, and shows what came. In a repository: for all its remotes, or for one (--remote). With a ' +
      'URL: for that one.',
    'What a server names is used only as far as gam.acceptMirrorUrl accepts it (many, such as "https://*.example.com/*"; ' +
      'https://* without any, none at all if it is set to nothing), never a file, and nothing inside this network unless the ' +
      'server is there, too, or the host is named in gam.acceptMirrorUrl letter by letter. Your own mirrors count more.',
    'Exits with 1 when a server could not be asked. --forget drops what is remembered instead; the next fetch asks anew.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors refresh',
    '<%= config.bin %> mirrors refresh https://git.example.org/project.git',
    '<%= config.bin %> mirrors refresh --remote upstream --forget',
  ];
  static override args = {
    url: Args.string({ description: 'The canonical URL, with or without mirror::.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'Ask the server of this remote only.', helpValue: '<name>' }),
    forget: Flags.boolean({ summary: 'Forget what the server has named.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Refresh);
    if (args.url !== undefined && flags.remote !== undefined)
      throw new GamError('usage', 'give a URL or --remote, not both');
    if (flags.remote !== undefined) await needRepository(this.where);
    const inRepository = (await discoverRepository(this.where)) !== null;
    if (!inRepository && args.url === undefined)
      throw new GamError('usage', 'outside a repository a URL is needed', {
        suggestion: 'name the canonical URL whose list is wanted',
      });
    const entries = await readConfig(this.where);
    const { settings, warnings } = readSettings(entries);
    for (const warning of warnings) this.remark(warning);
    const targets = listTargets(entries, { inRepository, url: args.url, remote: flags.remote });
    if (targets.length === 0)
      throw new GamError('unknown-remote', 'this repository has no remote', {
        suggestion: 'add one with git remote add, or name a URL',
      });
    for (const target of targets) {
      const lines = flags.forget
        ? this.forget(target)
        : await interruptible((signal) => this.ask(target, settings, { entries, env: this.env, signal }));
      if (lines === null) return;
      if (!flags.quiet) this.say(...lines);
    }
  }

  private owner({ canonical }: Target, settings: Settings): ListOwner {
    return { canonicalUrl: canonical, accepted: settings.acceptMirrorUrl, env: this.env };
  }

  private forget({ canonical }: Target): string[] {
    unmarkUnlisted(canonical, this.env);
    const shown = redactUrl(canonical);
    return [
      forgetList(canonical, this.env)
        ? `forgot what ${shown} has named`
        : `nothing is remembered of ${shown}; nothing changed`,
    ];
  }

  private async ask(
    target: Target,
    settings: Settings,
    asking: Parameters<typeof askForList>[1],
  ): Promise<string[]> {
    const owner = this.owner(target, settings);
    const shown = redactUrl(target.canonical);
    const name = target.remote === null ? shown : `${printable(target.remote)} (${shown})`;
    try {
      const list = await askForList(target, asking);
      if (list === null) {
        keepNone(owner);
        return [`${name}: no list of mirrors`];
      }
      const kept = await keepList(list, owner);
      return listLines(name, kept, judgeOffers(kept.mirrors, 'server', target.canonical, owner.accepted));
    } catch (error) {
      asking.signal.throwIfAborted();
      if (!(error instanceof GamError)) throw error;
      await keepSilence(owner);
      process.exitCode = FAILED;
      this.remark(printable(error.message));
      return [];
    }
  }
}
