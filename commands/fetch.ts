import * as Args from '@oclif/core/args';
import { fetchThroughGam } from '../src/git/through-gam.ts';
import { GitCommand } from '../src/main/git-command.ts';

export default class Fetch extends GitCommand {
  static override summary = 'Fetch through gam: git fetch, with a Ctrl-C that leaves a slow mirror.';
  static override description = [
    'Runs git fetch with all its options, and through gam, also where the remote does not go through it by ' +
      'its configuration. What git says, and its exit status, are its own.',
    'The first Ctrl-C leaves the mirror that sends now, for the next one or for canonical, which goes on ' +
      'from what it brought whole. A second one within two seconds stops, and so does the first where no ' +
      'mirror sends: then the status is 130, and nothing is left.',
  ].join('\n\n');
  static override usage = 'fetch [<remote>] [options of git fetch]';
  static override examples = [
    '<%= config.bin %> fetch',
    '<%= config.bin %> fetch upstream --prune',
    '<%= config.bin %> fetch --all --jobs=4',
  ];
  static override args = {
    remote: Args.string({
      description: "A remote, a group of remotes or a URL; without it git's own choice.",
    }),
  };

  async run(): Promise<void> {
    await this.runGit(await this.gitWords(fetchThroughGam));
  }
}
