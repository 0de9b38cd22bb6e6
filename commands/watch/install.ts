import { realpathSync } from 'node:fs';
import * as Flags from '@oclif/core/flags';
import { configFolder } from '../../src/git/user-config.ts';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { installWatch, SYSTEMD, UNIT } from '../../src/main/watch-install.ts';
import { printable } from '../../src/protocol/text.ts';
import { crontabLine } from '../../src/sync/units.ts';

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
    if (flags.cron) {
      this.say(crontabLine(program));
      return;
    }
    const places = { systemd: SYSTEMD, config: configFolder(this.env), path: this.env['PATH'] ?? '' };
    const installed = await installWatch(program, places);
    if ('cron' in installed) {
      if (!flags.quiet) this.remark('no systemd here; for crontab -e:');
      this.say(installed.cron);
    } else if (!flags.quiet) {
      const start = `systemctl --user daemon-reload && systemctl --user enable --now ${UNIT}`;
      this.say(`wrote ${printable(installed.unit)}; now: ${start}`);
    }
  }
}
