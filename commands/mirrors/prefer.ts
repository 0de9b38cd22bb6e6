import { statSync } from 'node:fs';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { acceptPatterns } from '../../src/config/accept.ts';
import { allValues } from '../../src/config/entries.ts';
import { GamError } from '../../src/errors.ts';
import {
  addConfigValue,
  readConfigFile,
  removeConfigValue,
  setConfigValue,
} from '../../src/git/config-file.ts';
import { findMirrorPlace, type MirrorPlace } from '../../src/git/mirror-place.ts';
import { GamCommand } from '../../src/main/command.ts';
import { globalFlag, remoteFlag } from '../../src/main/place-flags.ts';
import { candidateMirrors } from '../../src/mirror/candidates.ts';
import { findMirror, storedMirrorUrl } from '../../src/mirror/named.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';
import { recallOffers } from '../../src/state/mirror-lists.ts';

export default class Prefer extends GamCommand {
  static override summary = 'Choose the mirror that is tried first.';
  static override description = [
    'Sets remote.<name>.preferredMirror: this mirror is tried first and alone, the others only when ' +
      'it fails. Name it by its URL or by its site, as gam mirrors list shows them. A URL that is no ' +
      'mirror of the remote yet is judged as gam mirrors add would, and added. --none clears the ' +
      'preference; the mirror itself stays.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors prefer https://eu.mirror.example/project.git',
    '<%= config.bin %> mirrors prefer eu.mirror.example --remote upstream',
    '<%= config.bin %> mirrors prefer --none',
  ];
  static override args = {
    'mirror-url': Args.string({ description: 'The URL or the site of the mirror.' }),
  };
  static override flags = {
    ...remoteFlag,
    ...globalFlag,
    none: Flags.boolean({ summary: 'Prefer none.', default: false }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Prefer);
    if ((args['mirror-url'] === undefined) !== flags.none)
      throw new GamError('usage', 'give either a mirror or --none', {
        suggestion: 'see gam mirrors prefer --help',
      });
    const place = await findMirrorPlace(flags, this.env, this.where);
    const lines =
      args['mirror-url'] === undefined
        ? await this.clear(place)
        : await this.choose(place, args['mirror-url']);
    if (!flags.quiet) this.say(...lines);
  }

  private async current(place: MirrorPlace): Promise<string[]> {
    const entries = await readConfigFile(place.file, this.where);
    return allValues(entries, 'remote', place.owner, 'preferredmirror');
  }

  private async clear(place: MirrorPlace): Promise<string[]> {
    const key = { ...place.key, name: 'preferredMirror' };
    const values = await this.current(place);
    for (const value of values) await removeConfigValue(place.file, key, value, this.where);
    const owner = printable(place.owner);
    return [
      values.length > 0
        ? `no mirror of ${owner} is preferred any more`
        : `${owner} prefers no mirror; nothing changed`,
    ];
  }

  private async choose(place: MirrorPlace, named: string): Promise<string[]> {
    const canonical = place.canonical ?? '';
    const { patterns } = acceptPatterns(place.entries);
    const offers = recallOffers(canonical, patterns, this.env);
    const mirrors = candidateMirrors(place.entries, place.remote, canonical, offers);
    const known = findMirror(mirrors, named);
    const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    const url = storedMirrorUrl(known?.url ?? named, { cwd: this.where.cwd, isFolder });
    const owner = printable(place.owner);
    if (url === place.canonical)
      throw new GamError('mirror-refused', `${redactUrl(url)} is canonical itself`, {
        suggestion: 'gam mirrors list shows the mirrors',
      });
    const lines: string[] = [];
    if (!mirrors.some((mirror) => mirror.url === url)) {
      await addConfigValue(place.file, place.key, url, this.where);
      lines.push(`added ${redactUrl(url)} as a mirror of ${owner}`);
    }
    if ((await this.current(place)).at(-1) === url)
      return [`${owner} prefers ${redactUrl(url)} already; nothing changed`];
    await setConfigValue(place.file, { ...place.key, name: 'preferredMirror' }, url, this.where);
    return [...lines, `${owner} prefers ${redactUrl(url)} from now on`];
  }
}
