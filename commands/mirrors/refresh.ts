import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { type AskedLists, askForLists, type ListAsking } from '../../src/check/ask-list.ts';
import type { Published } from '../../src/check/ask-published.ts';
import { parseAcceptPattern } from '../../src/config/accept.ts';
import type { Settings } from '../../src/config/settings.ts';
import { GamError } from '../../src/errors.ts';
import { moveRemote } from '../../src/git/move-remote.ts';
import { askedTargets } from '../../src/main/asked-targets.ts';
import { GamCommand } from '../../src/main/command.ts';
import { FAILED } from '../../src/main/failure.ts';
import { interruptible } from '../../src/main/interruptible.ts';
import { listLines, staleWords } from '../../src/mirror/list-lines.ts';
import type { Target } from '../../src/mirror/listing.ts';
import { refusalOfOffered } from '../../src/mirror/offered-url.ts';
import { judgeOffers, LIST_SOURCES } from '../../src/mirror/offers.ts';
import type { MirrorList } from '../../src/protocol/mirror-list.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';
import { keepList, keepNone, keepSilence, type ListOwner } from '../../src/state/keep-list.ts';
import { dropPublished, keepPublished } from '../../src/state/keep-published.ts';
import { forgetList } from '../../src/state/mirror-lists.ts';
import { unmarkUnlisted } from '../../src/state/unlisted.ts';

export default class Refresh extends GamCommand {
  static override summary = 'Ask canonical for its list of mirrors, and for the one that is published there.';
  static override description = [
    'A server may name its mirrors itself (protocol v2, "mirror-list"). A fetch asks for that list by itself, as often as ' +
      'the list says; this asks now, and shows what came. A list that was published at refs/meta/mirrors (gam mirrors publish), ' +
      'which a fetch reads when it is a new one, is read and shown, too. In a repository: for all its remotes, or for one (--remote). With a ' +
      'URL: for that one.',
    'What a list names is used only as far as gam.acceptMirrorUrl accepts it (many, such as "https://*.example.com/*"; ' +
      'https://* without any, none at all if it is set to nothing), never a file, and nothing inside this network unless the ' +
      'server is there, too, or the host is named in gam.acceptMirrorUrl letter by letter. Your own mirrors count more.',
    'A server may also say that it is deprecated, takes no more fetches, or has moved. With --accept-move the remote of one that ' +
      'has moved gets the new URL (git remote set-url), if the server still says so, and would be accepted as a mirror there.',
    'Exits with 1 when a server could not be asked, or what is published there is no list. --forget drops what is remembered instead; the next fetch asks anew.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors refresh',
    '<%= config.bin %> mirrors refresh https://git.example.org/project.git',
    '<%= config.bin %> mirrors refresh --remote upstream --forget',
    '<%= config.bin %> mirrors refresh --accept-move',
  ];
  static override args = {
    url: Args.string({ description: 'The canonical URL, with or without mirror::.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'Ask the server of this remote only.', helpValue: '<name>' }),
    forget: Flags.boolean({ summary: 'Forget what the server, and the published list, have named.' }),
    'accept-move': Flags.boolean({
      summary: 'Follow a server that says it has moved.',
      exclusive: ['forget'],
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Refresh);
    const missing = 'name the canonical URL whose list is wanted';
    const found = await askedTargets({ url: args.url, remote: flags.remote }, this.where, missing);
    const { entries, settings, targets, warnings } = found;
    for (const warning of warnings) this.remark(warning);
    if (targets.length === 0)
      throw new GamError('unknown-remote', 'this repository has no remote', {
        suggestion: 'add one with git remote add, or name a URL',
      });
    for (const target of targets) {
      const lines = flags.forget
        ? this.forget(target)
        : await interruptible((signal) =>
            this.ask(
              target,
              settings,
              { entries, env: this.env, pid: process.pid, signal },
              flags['accept-move'],
            ),
          );
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
    const known = LIST_SOURCES.map((source) => forgetList(canonical, this.env, source));
    return [
      known.includes(true)
        ? `forgot what ${shown} has named`
        : `nothing is remembered of ${shown}; nothing changed`,
    ];
  }

  private async ask(
    target: Target,
    settings: Settings,
    asking: ListAsking,
    follow: boolean,
  ): Promise<string[]> {
    const owner = this.owner(target, settings);
    const shown = redactUrl(target.canonical);
    const name = target.remote === null ? shown : `${printable(target.remote)} (${shown})`;
    let lists: AskedLists;
    try {
      lists = await askForLists(target, asking);
    } catch (error) {
      asking.signal.throwIfAborted();
      if (!(error instanceof GamError)) throw error;
      await keepSilence(owner);
      process.exitCode = FAILED;
      this.remark(printable(error.message));
      return [];
    }
    const { server, published } = lists;
    const publishedLines = await this.keepPublished(`${name}, published`, published, owner);
    if (server === null) {
      keepNone(owner, true);
      return published === null ? [`${name}: no list of mirrors`] : publishedLines;
    }
    const kept = await keepList(server, owner);
    if (follow) return this.follow(name, target, server, settings);
    const offers = judgeOffers(kept.mirrors, 'server', target.canonical, owner.accepted);
    const stale = staleWords(server.canonical, server.stale);
    const lines = [...listLines(name, kept, offers), ...(stale === null ? [] : [`  stale: ${stale}`])];
    return [...lines, ...publishedLines];
  }

  private async keepPublished(
    name: string,
    published: Published | null,
    owner: ListOwner,
  ): Promise<string[]> {
    if (published === null) {
      dropPublished(owner);
      return [];
    }
    const { commit, list } = published;
    if (list instanceof GamError) {
      await keepPublished(null, commit, owner);
      process.exitCode = FAILED;
      this.remark(`${name}: ${printable(list.message)}`);
      return [];
    }
    const kept = await keepPublished(list, commit, owner);
    const offers = judgeOffers(kept.mirrors, 'published', owner.canonicalUrl, owner.accepted);
    return listLines(name, kept, offers);
  }

  /** Gives the remote the URL of the server's successor: the server has said so, just now, and so has the user. */
  private async follow(
    name: string,
    { remote, canonical }: Target,
    { state, successor }: MirrorList,
    { acceptMirrorUrl }: Settings,
  ): Promise<string[]> {
    if (state !== 'moved' || successor === null) return [`${name} has not moved; nothing changed`];
    const shown = redactUrl(successor);
    // To another server of the same kind the user is led by his own word.
    const alike = parseAcceptPattern(`${canonical.replace(/:\/\/.*$/s, '')}://*`);
    const refusal = refusalOfOffered(successor, canonical, [...acceptMirrorUrl, ...(alike ? [alike] : [])]);
    if (refusal !== null)
      throw new GamError('mirror-refused', `${name} says it has moved to ${shown}: ${refusal}`, {
        url: shown,
        suggestion: 'if you trust it all the same: git remote set-url <remote> <url>',
      });
    if (remote === null) return [`${name} has moved to ${shown}; no remote here has the old URL`];
    await moveRemote(remote, successor, { env: this.env, ...this.where });
    for (const source of LIST_SOURCES) forgetList(canonical, this.env, source);
    return [`${printable(remote)} is at ${shown} from now on`];
  }
}
