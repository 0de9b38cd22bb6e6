import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import type { ConfigEntry } from '../../src/config/entries.ts';
import { type Remote, readRemotes } from '../../src/config/remotes.ts';
import { GamError } from '../../src/errors.ts';
import { readConfig } from '../../src/git/config.ts';
import { needRepository } from '../../src/git/discover.ts';
import { readMirrorListFile, writeMirrorListFile } from '../../src/git/mirror-list-file.ts';
import { publishList } from '../../src/git/publish.ts';
import { GamCommand } from '../../src/main/command.ts';
import { interruptible } from '../../src/main/interruptible.ts';
import { defaultRemote, needRemote } from '../../src/mirror/listing.ts';
import { judgeMirrorList, publishableMirrors, unfitForOthers } from '../../src/mirror/publishable.ts';
import { LONGEST_TTL, type MirrorList } from '../../src/protocol/mirror-list.ts';
import { PUBLISHED_REF } from '../../src/protocol/published-list.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';
import { unmarkUnlisted } from '../../src/state/unlisted.ts';

/** What the flags say of a list that is made of the configuration. */
interface Asked {
  quiet: boolean;
  canonical?: readonly string[] | undefined;
  ttl?: number | undefined;
  force: boolean;
}

export default class Publish extends GamCommand {
  static override summary = 'Publish the mirrors of a remote there, for everybody who fetches from it.';
  static override description = [
    `The list is the file "mirrors" in a commit at ${PUBLISHED_REF} of the remote, in the format of git's ` +
      'configuration. It is for hosts whose server cannot be changed: whoever may push can publish, and nothing else ' +
      'there changes.',
    'Published are the values of remote.<name>.mirrorUrl, by ids made of their hosts, with the URL of the remote as the canonical ' +
      'one; left out is what is of no use to others, or not for them: paths, logins, and hosts of a private network ' +
      'or with a name that only means something there (--force lets these two pass). Or else --file, as it is, in which ' +
      'nothing of that may be. gam finds a list by itself, with the next clone or fetch of each reader, and uses it from the one after that on. By default, ' +
      'those who read a list take https:// mirrors only (gam.acceptMirrorUrl).',
    'The list is made anew each time, in a new commit on top of the old one, other files of which stay. It is pushed only ' +
      'if nobody has published another one meanwhile, and not at all if it is the same. --dry-run prints the file and ' +
      'contacts nobody. In this repository nothing changes, but for some objects that nothing refers to.',
    `To withdraw it: git push <remote> :${PUBLISHED_REF}`,
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors publish --dry-run',
    '<%= config.bin %> mirrors publish --remote upstream --ttl 86400',
    '<%= config.bin %> mirrors publish --canonical https://far.example/project.git --canonical git@far.example:project.git',
    '<%= config.bin %> mirrors publish --file mirrors',
  ];
  static override flags = {
    remote: Flags.string({
      summary: 'Where to publish it, and whose mirrors.',
      description: 'Without it: origin, or the only remote.',
      helpValue: '<name>',
    }),
    file: Flags.string({
      summary: 'Publish this file.',
      helpValue: '<file>',
      exclusive: ['canonical', 'ttl'],
    }),
    canonical: Flags.string({
      summary: 'The canonical URL; several may be given.',
      description: 'Without it: the URL of the remote, if others can use that.',
      helpValue: '<url>',
      multiple: true,
    }),
    ttl: Flags.integer({
      summary: 'For how many seconds the list is good.',
      helpValue: '<seconds>',
      min: 1,
      max: LONGEST_TTL,
    }),
    force: Flags.boolean({ summary: 'Take hosts that only some others reach, and logins over ssh.' }),
    'dry-run': Flags.boolean({ summary: 'Print the file, and contact nobody.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Publish);
    await needRepository(this.where);
    const entries = await readConfig(this.where);
    const remotes = readRemotes(entries);
    const remote = flags.remote === undefined ? defaultRemote(remotes) : needRemote(remotes, flags.remote);
    const { force, quiet } = flags;
    const text =
      flags.file === undefined
        ? Buffer.from(writeMirrorListFile(this.configured(entries, remote, flags)))
        : await this.read(flags.file);
    const list = await readMirrorListFile(text, this.env).catch((error: unknown) => {
      if (!(error instanceof GamError) || error.code !== 'bad-mirror-list') throw error;
      const where = flags.file === undefined ? 'this list' : printable(flags.file);
      throw new GamError('bad-mirror-list', `${where}: ${error.message}`, { cause: error });
    });
    judgeMirrorList(list, force);
    this.hint(list, quiet);
    if (flags['dry-run']) {
      process.stdout.write(text);
      return;
    }
    const published = await interruptible((signal) =>
      publishList(remote.name, text, { ...this.where, env: this.env, signal }),
    );
    if (published === null) return;
    // Here it is known by now that there is something to look for; elsewhere a day may pass.
    unmarkUnlisted(remote.canonical, this.env);
    if (quiet) return;
    const name = printable(remote.name);
    const { length } = list.mirrors;
    this.say(
      published.pushed
        ? `published ${length} mirror${length === 1 ? '' : 's'} on ${name}: ${PUBLISHED_REF} is ${published.commit.slice(0, 10)}`
        : `nothing to publish: ${name} has just this list`,
    );
  }

  private async read(file: string): Promise<Buffer> {
    return readFile(resolve(this.where.cwd, file)).catch((cause: unknown) => {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new GamError('bad-mirror-list', `${printable(file)} cannot be read: ${printable(why)}`, {
        cause,
      });
    });
  }

  private configured(
    entries: readonly ConfigEntry[],
    remote: Remote,
    { canonical, ttl, force, quiet }: Asked,
  ): MirrorList {
    const { mirrors, left } = publishableMirrors(entries, remote.name, force);
    if (!quiet) for (const { url, why } of left) this.remark(`left out ${url}: ${why}`);
    const name = printable(remote.name);
    if (mirrors.length === 0)
      throw new GamError('bad-mirror-list', `no mirror of ${name} is for others`, {
        suggestion: `add one with gam mirrors add <url> --remote ${name}, or publish a --file`,
      });
    const own = unfitForOthers(remote.canonical, force);
    if (!quiet && canonical === undefined && own !== null)
      this.remark(`no canonical URL: ${redactUrl(remote.canonical)}: ${own}; name one with --canonical`);
    return {
      canonical: [...(canonical ?? (own === null ? [remote.canonical] : []))],
      mirrors,
      more: 0,
      prefer: null,
      ttl: ttl ?? null,
      state: 'current',
      successor: null,
      stale: null,
    };
  }

  private hint({ mirrors }: MirrorList, quiet: boolean): void {
    const others = mirrors.filter(({ url }) => !url.startsWith('https://'));
    if (quiet || others.length === 0) return;
    this.remark(
      `not over https, so taken by those only who allow it (gam.acceptMirrorUrl): ${others.length}`,
    );
  }
}
