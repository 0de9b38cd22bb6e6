import { statSync } from 'node:fs';
import * as Args from '@oclif/core/args';
import { mirrorAddresses, rememberWhere } from '../../src/check/place-mirrors.ts';
import { writeKey } from '../../src/config/edit.ts';
import { readSettings } from '../../src/config/settings.ts';
import { GamError } from '../../src/errors.ts';
import { addConfigValue } from '../../src/git/config-file.ts';
import { findMirrorPlace } from '../../src/git/mirror-place.ts';
import { GamCommand } from '../../src/main/command.ts';
import { globalFlag, placeFlags } from '../../src/main/place-flags.ts';
import { fitToBase } from '../../src/mirror/base.ts';
import { candidateMirrors } from '../../src/mirror/candidates.ts';
import { formatDistance } from '../../src/mirror/distance.ts';
import { storedMirrorUrl } from '../../src/mirror/named.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';
import { recall } from '../../src/state/measures.ts';

/** How long DNS may hold up the end, in milliseconds: a mirror is added all the same, and a check looks again. */
const DNS_MS = 1000;

export default class Add extends GamCommand {
  static override summary = 'Add a mirror to a remote, or to every URL under a base.';
  static override description = [
    'The URL is judged before anything is stored: http, https, ssh, git, or a local folder; never one ' +
      'with a login in it, which belongs into a credential helper. Whether the mirror answers is not ' +
      'tried.',
    'The URL of a host alone, such as http://anna:8080/, is enough where gam serve runs: it is asked where it has the ' +
      'repository, by the URL of canonical, when a fetch uses it first.',
    'Where the address of its host is, by geoip-lite, is remembered: of mirrors never measured, a fetch tries the nearest ' +
      'first. DNS is asked for that, for a second at most.',
    'Stored is remote.<name>.mirrorUrl in this repository or, with --for, mirror.<base>.url. The path ' +
      'of a local folder is stored absolute. Adding a mirror twice changes nothing.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors add https://eu.mirror.example/project.git',
    '<%= config.bin %> mirrors add http://anna:8080/',
    '<%= config.bin %> mirrors add ../copy-on-the-lan --remote upstream',
    '<%= config.bin %> mirrors add https://cache.lan/github.com/ --for https://github.com/ --global',
  ];
  static override args = {
    'mirror-url': Args.string({ description: 'The URL of the mirror.', required: true }),
  };
  static override flags = { ...placeFlags, ...globalFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Add);
    const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
    const judged = storedMirrorUrl(args['mirror-url'], { cwd: this.where.cwd, isFolder });
    const place = await findMirrorPlace(flags, this.env, this.where);
    const url = place.remote === null ? fitToBase(place.owner, judged) : judged;
    const shown = redactUrl(url);
    const owner = printable(place.owner);
    if (url === place.canonical)
      throw new GamError('mirror-refused', `${shown} is canonical itself`, {
        suggestion: 'a mirror is another place that has the same objects',
      });
    const known =
      place.remote !== null && place.canonical !== null
        ? candidateMirrors(place.entries, place.remote, place.canonical).map((mirror) => mirror.url)
        : [];
    if (place.values.includes(url) || (!flags.global && known.includes(url))) {
      if (!flags.quiet) this.say(`${shown} is a mirror of ${owner} already; nothing changed`);
      return;
    }
    await addConfigValue(place.file, place.key, url, this.where);
    if (!flags.quiet)
      this.say(
        `added ${shown} as a mirror of ${owner}`,
        `  ${printable(writeKey(place.key))} in ${place.file}`,
      );
    const { settings, warnings } = readSettings(place.entries);
    const mirror = { url, refusal: null };
    const timeout = Math.min(settings.connectTimeout, DNS_MS);
    await rememberWhere(await mirrorAddresses([mirror], { timeout }), this.env);
    const { distance } = recall(this.env, settings.location)(mirror);
    if (flags.quiet) return;
    for (const warning of warnings) this.remark(warning);
    if (distance !== null) this.say(`  some ${formatDistance(distance)} from here`);
  }
}
