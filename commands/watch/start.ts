import { realpathSync } from 'node:fs';
import { GamError } from '../../src/errors.ts';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { startWatching } from '../../src/main/watch-process.ts';
import { listedFolders } from '../../src/sync/daemon.ts';

export default class Start extends WatchCommand {
  static override summary = 'Begin to watch the folders of the list, in the background.';
  static override description =
    'It goes on until gam watch stop, or the end of the session; gam watch install has it begin with each login.';
  static override examples = ['<%= config.bin %> watch start'];

  async run(): Promise<void> {
    const { flags } = await this.parse(Start);
    const { folders } = await listedFolders(this.places, this.env);
    if (folders.length === 0)
      throw new GamError('usage', 'no folder is watched', { suggestion: 'gam watch add <dir> adds one' });
    const program = [process.execPath, realpathSync(process.argv[1] ?? '')] as const;
    const status = await startWatching(program, this.places, this.gitEnv);
    if (flags.quiet) return;
    const many = `${folders.length} folder${folders.length === 1 ? '' : 's'}`;
    this.say(status === null ? 'gam watch is at work already' : `watching ${many}, as process ${status.pid}`);
  }
}
