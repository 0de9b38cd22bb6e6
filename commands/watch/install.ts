import { existsSync, realpathSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { configFolder } from '../../src/git/user-config.ts';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { crontabLine, systemdUnit } from '../../src/sync/units.ts';

/** There where systemd runs (sd_booted(3)). */
const SYSTEMD = '/run/systemd/system';
const UNIT = 'gam-watch.service';

export default class Install extends WatchCommand {
  static override summary = 'Have the folders of the list watched from each login on.';
  static override description = [
    `Writes a unit for the user's own systemd, $XDG_CONFIG_HOME/systemd/user/${UNIT}, and prints how to start it. Where there is no systemd, ` +
      'prints a line for crontab -e instead, which does everything once every five minutes.',
    'To watch without being logged in: loginctl enable-linger.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> watch install', '<%= config.bin %> watch install --cron'];
  static override flags = {
    cron: Flags.boolean({ summary: 'Print the line for crontab -e, whatever is here.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Install);
    const program = { node: process.execPath, gam: realpathSync(process.argv[1] ?? '') };
    if (flags.cron || !existsSync(SYSTEMD)) {
      if (!flags.quiet && !flags.cron) this.remark('no systemd here; for crontab -e:');
      this.say(crontabLine(program));
      return;
    }
    const file = join(configFolder(this.env), 'systemd/user', UNIT);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, systemdUnit(program, this.env['PATH'] ?? ''));
    if (!flags.quiet)
      this.say(`wrote ${file}; now: systemctl --user daemon-reload && systemctl --user enable --now ${UNIT}`);
  }
}
