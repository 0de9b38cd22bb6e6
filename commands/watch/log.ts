import * as Flags from '@oclif/core/flags';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { wrap } from '../../src/main/wrap.ts';
import { printable } from '../../src/protocol/text.ts';
import { readWatchLog } from '../../src/sync/watch-log.ts';

export default class Log extends WatchCommand {
  static override summary = 'Tell what was done in watched folders, and what went wrong.';
  static override description = [
    'Also what a daemon without a terminal did: what was committed and exchanged, what was left out and why, and what failed. The latest ' +
      'lines come last; times are UTC.',
    'The log is $XDG_STATE_HOME/gam/watch/log (~/.local/state/gam/watch/log), and never grows beyond two MiB with the former one beside it.',
  ].join('\n\n');
  static override examples = [
    '<%= config.bin %> watch log',
    '<%= config.bin %> watch log --lines 200 --json',
  ];
  static override flags = {
    lines: Flags.integer({ char: 'n', summary: 'How many lines.', default: 30, min: 1, helpValue: '<n>' }),
    json: Flags.boolean({ summary: 'Print lines of JSON: time, folder and words.' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Log);
    for (const line of readWatchLog(this.places, flags.lines)) {
      const { time, folder, words } = line;
      if (flags.json) this.say(JSON.stringify(line));
      else {
        const told = printable(folder === null ? words : `${folder}: ${words}`, 2000);
        this.say(...wrap(`${time.replace('T', ' ').slice(0, 19)} ${told}`, this.width()));
      }
    }
  }
}
