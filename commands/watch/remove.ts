import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { printable } from '../../src/protocol/text.ts';
import { removeWatched } from '../../src/sync/watched.ts';

export default class Remove extends WatchCommand {
  static override summary = 'Watch a folder no more; its files, commits and remote stay as they are.';
  static override description =
    'Any name of the folder will do, also one that has gone. What is under way there is ended in good order. gam watch add watches it again.';
  static override examples = ['<%= config.bin %> watch remove ~/notes'];
  static override args = { dir: Args.string({ required: true, description: 'The folder.' }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Remove);
    const dir = await removeWatched(resolve(this.where.cwd, args.dir), this.places, this.env);
    await this.tellWatcher();
    if (!flags.quiet) this.say(`${printable(dir)} is not watched any more`);
  }
}
