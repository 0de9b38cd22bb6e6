import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import { writeKey } from '../../src/config/edit.ts';
import { allValues } from '../../src/config/entries.ts';
import { GamError } from '../../src/errors.ts';
import { readConfigFile, removeConfigValue } from '../../src/git/config-file.ts';
import { findMirrorPlace, type MirrorPlace } from '../../src/git/mirror-place.ts';
import { GamCommand } from '../../src/main/command.ts';
import { globalFlag, placeFlags } from '../../src/main/place-flags.ts';
import { fitToBase } from '../../src/mirror/base.ts';
import { redactUrl } from '../../src/protocol/redact.ts';
import { printable } from '../../src/protocol/text.ts';

export default class Remove extends GamCommand {
  static override summary = 'Remove a mirror.';
  static override description = [
    'Takes exactly this URL out of the configuration, as stored or as gam mirrors list shows it, and ' +
      'the section when it was the last value in it. A preference for this mirror (gam mirrors prefer) ' +
      'goes with it.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors remove https://eu.mirror.example/project.git',
    '<%= config.bin %> mirrors remove https://cache.lan/github.com/ --for https://github.com/ --global',
  ];
  static override args = {
    'mirror-url': Args.string({ description: 'The URL of the mirror.', required: true }),
  };
  static override flags = { ...placeFlags, ...globalFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Remove);
    const place = await findMirrorPlace(flags, this.env, this.where);
    const preferred = { ...place.key, name: 'preferredMirror' };
    const entries = await readConfigFile(place.file, this.where);
    const preferences =
      place.remote === null ? [] : allValues(entries, 'remote', place.remote, 'preferredmirror');
    const stored = [...place.values, ...preferences];
    const named = args['mirror-url'];
    const fitted = place.remote === null ? fitToBase(place.owner, named) : named;
    const url =
      stored.find((value) => value === named || value === fitted) ??
      stored.find((value) => value === resolve(this.where.cwd, named) || redactUrl(value) === named);
    if (url === undefined) throw this.unknown(named, place, flags.global);

    if (place.values.includes(url)) await removeConfigValue(place.file, place.key, url, this.where);
    if (preferences.includes(url)) await removeConfigValue(place.file, preferred, url, this.where);
    if (flags.quiet) return;
    this.say(`removed ${redactUrl(url)} from ${printable(place.owner)}`);
    if (preferences.includes(url)) this.say('  it was the preferred one; none is now');
  }

  private unknown(url: string, place: MirrorPlace, global: boolean): GamError {
    const { section, subsection, name } = place.key;
    const elsewhere = allValues(place.entries, section, subsection, name.toLowerCase()).includes(url);
    const values = place.values.map((value) => redactUrl(value));
    const has = `${printable(writeKey(place.key))} in ${place.file}`;
    const suggestion = elsewhere
      ? `it is configured elsewhere; run it again ${global ? 'without' : 'with'} --global`
      : values.length === 0
        ? `there is no ${has}`
        : `there is ${values.join(', ')}`;
    return new GamError('unknown-mirror', `${redactUrl(url)} is no mirror of ${printable(place.owner)}`, {
      suggestion,
    });
  }
}
