import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { checkMirrors } from '../../src/check/check-mirrors.ts';
import type { CheckedMirror } from '../../src/check/checked-mirror.ts';
import { askedTargets } from '../../src/main/asked-targets.ts';
import { GamCommand } from '../../src/main/command.ts';
import { FAILED } from '../../src/main/failure.ts';
import { interruptible } from '../../src/main/interruptible.ts';
import { layOut } from '../../src/main/table.ts';
import { staleWords } from '../../src/mirror/list-lines.ts';
import { checkColumns } from '../../src/mirror/mirror-columns.ts';

export default class Check extends GamCommand {
  static override summary = 'Measure all mirrors side by side.';
  static override description = [
    'Contacts every mirror that gam mirrors list shows, under the rules of a fetch: no credential of another ' +
      'host, no redirects, bounded time. LATENCY is until its first answer; RATE is seen on at most 1 MiB or ' +
      '3 s of a pack, "-" where the repository is too small to tell; LAG is how many commits, and how much ' +
      'time, its branches are behind canonical: "-" where the commits are not in this repository. A cache that ' +
      'cannot ask canonical says since when ("stale").',
    'What is found is remembered, and decides which mirror the next fetch tries first; with it, where the address of each ' +
      'mirror is, by geoip-lite, which counts until it is measured. http(s) mirrors are ' +
      'measured without git, all others, and those for which a proxy, a certificate or a login is set up, by ' +
      'git itself, whose start counts for their latency.',
    'Exits with 1 when no mirror can be used. With --json: an array of {url, site, canonical, source, ' +
      'preferred, state, reason, latencyMs, bytesPerSecond, lag, lagSeconds, staleSeconds}; state is "ready", "failed" or ' +
      '"refused"; what is not known is null.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> mirrors check',
    '<%= config.bin %> mirrors check https://github.com/git/git',
    '<%= config.bin %> mirrors check --remote upstream --json',
  ];
  static override args = {
    url: Args.string({ description: 'The canonical URL, with or without mirror::.' }),
  };
  static override flags = {
    remote: Flags.string({ summary: 'Check the mirrors of this remote only.', helpValue: '<name>' }),
    json: Flags.boolean({ summary: 'Print one JSON document.' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Check);
    const missing = 'name the canonical URL whose mirrors are to be checked';
    const found = await askedTargets({ url: args.url, remote: flags.remote }, this.where, missing);
    const { entries, settings, targets, warnings } = found;
    for (const warning of warnings) this.remark(warning);
    const checked = await interruptible((signal) =>
      checkMirrors(targets, { entries, env: this.env, cwd: this.where.cwd, settings, signal }),
    );
    if (checked === null) return;
    const all = checked.flat();
    if (!all.some(({ state }) => state === 'ready')) process.exitCode = FAILED;
    if (flags.json) return this.sayJson(all);
    if (!flags.quiet) this.say(...this.table(all));
  }

  private table(all: readonly CheckedMirror[]): string[] {
    if (all.length === 0) return ['No mirrors to check; add one with: gam mirrors add <mirror-url>'];
    const reasons = all.flatMap(({ canonical, reason, staleSeconds, state, url }) => {
      const stale = staleWords([canonical], staleSeconds);
      return [
        ...(reason === null ? [] : [`${state}: ${url}: ${reason}`]),
        ...(stale === null ? [] : [`stale: ${url}: ${stale}`]),
      ];
    });
    return [...layOut(checkColumns(all), this.width()), ...reasons];
  }
}
