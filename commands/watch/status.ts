import * as Flags from '@oclif/core/flags';
import { layOut } from '../../src/main/table.ts';
import { WatchCommand } from '../../src/main/watch-command.ts';
import { wrap } from '../../src/main/wrap.ts';
import { listedFolders } from '../../src/sync/daemon.ts';
import { readWatchStatus } from '../../src/sync/status-file.ts';
import { watchText } from '../../src/sync/status-text.ts';

export default class Status extends WatchCommand {
  static override summary = 'Tell how each watched folder stands.';
  static override description = [
    'STATE is in-step, working, offline (commits wait for the remote), waiting (for a rebase, a lock, or files that are in the way), ' +
      'problem (somebody has to look), or gone. WAITS tells what is not there yet: commits to be pushed, files that are being written, files ' +
      'that are left out, which are named below, as are files of which both versions were kept.',
    'The exit code is 1 where nobody watches, or a folder is gone or has a problem.',
  ].join('\n\n');
  static override examples = ['<%= config.bin %> watch status', '<%= config.bin %> watch status --json'];
  static override flags = {
    json: Flags.boolean({
      summary: 'Print {running, pid, started, folders} as JSON.',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const status = await readWatchStatus(this.places);
    const { folders, warnings } = await listedFolders(this.places, this.env);
    if (!flags.quiet) for (const warning of warnings) this.remark(warning);
    const listed = folders.map(({ dir }) => dir);
    if (flags.json) {
      const { pid = null, started = null } = status ?? {};
      const told = status?.folders ?? listed.map((dir) => ({ dir, state: 'unwatched' }));
      this.sayJson({ running: status !== null, pid, started, folders: told });
    } else if (!flags.quiet) {
      const { heading, columns, notes } = watchText(status, listed, Date.now());
      const width = this.width();
      const table = status === null || status.folders.length === 0 ? [] : ['', ...layOut(columns, width)];
      const below = notes.length === 0 ? [] : ['', ...notes.flatMap((note) => wrap(note, width))];
      this.say(...wrap(heading, width), ...table, ...below);
    }
    const isWell = status?.folders.every(({ state }) => state !== 'gone' && state !== 'problem') ?? false;
    if (!isWell) process.exitCode = 1;
  }
}
