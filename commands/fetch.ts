import { fetchThroughGam } from '../src/git/through-gam.ts';
import { CTRL_C, GitCommand } from '../src/main/git-command.ts';

export default class Fetch extends GitCommand {
  static override summary = 'Fetch through gam: git fetch, with a Ctrl-C that leaves a slow mirror.';
  static override description = [
    'Runs git fetch with all its options, and through gam, also where the remote does not go through it by ' +
      'its configuration. <remote> is a remote, a group of remotes or a URL; without it git chooses. What git ' +
      'says, and its exit status, are its own.',
    CTRL_C,
  ].join('\n\n');
  static override usage = 'fetch [<remote>] [options of git fetch]';
  static override examples = [
    '<%= config.bin %> fetch',
    '<%= config.bin %> fetch upstream --prune',
    '<%= config.bin %> fetch --all --jobs=4',
  ];

  async run(): Promise<void> {
    await this.runGit(await this.gitWords(fetchThroughGam));
  }
}
