import { WatchCommand } from '../../src/main/watch-command.ts';
import { stopWatching } from '../../src/main/watch-process.ts';

export default class Stop extends WatchCommand {
  static override summary = 'End watching; what is under way is ended in good order.';
  static override description =
    'What changes from then on is found and committed when gam watch start begins again. To have nobody begin with the next login: ' +
    'systemctl --user disable gam-watch.service.';
  static override examples = ['<%= config.bin %> watch stop'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Stop);
    const pid = await stopWatching(this.places);
    if (!flags.quiet) this.say(pid === null ? 'nobody watches' : `process ${pid} watches no more`);
  }
}
