import { Command } from '@oclif/core/command';
import { uploadPackHere } from '../src/main/upload-pack.ts';

export default class UploadPack extends Command {
  static override summary = 'Serve a repository over ssh or a pipe: git upload-pack, with the mirrors told.';
  static override description = [
    'Runs git upload-pack, which serves clones and fetches as ever. To a client of protocol v2 that asks, it tells the ' +
      "repository's mirror list, if the repository's configuration says mirrorList.enabled; to others, and " +
      'where it does not, git alone speaks. All options of git-upload-pack(1) are taken.',
    'In the configuration of the served repository: mirrorList.<id>.url names a mirror, with .location, .priority and ' +
      '.weight; mirrorList.policy orders them (fixed, random, geoip); mirrorList.limit, .ttl, .prefer, .canonical, ' +
      '.state and .successor say what is told beside them.',
    'Of an ordinary clone, <clone>/-/remotes/<remote> is what that remote is: its branches under their own names, and nothing ' +
      "of the clone's own but its tags.",
    'sshd hands GIT_PROTOCOL on only with AcceptEnv GIT_PROTOCOL; without it, clients speak an older protocol.',
  ].join('\n\n');
  static override strict = false;
  static override usage = 'upload-pack [--[no-]strict] [--timeout=<n>] <directory>';
  static override examples = [
    '<%= config.bin %> upload-pack /srv/git/project.git',
    {
      description: 'In authorized_keys, for one repository:',
      command: 'command="<%= config.bin %> upload-pack /srv/git/project.git",restrict ssh-ed25519 ...',
    },
    {
      description: 'Asked for by a client:',
      command: 'git clone --upload-pack="<%= config.bin %> upload-pack" git.example:project.git',
    },
  ];

  // Mostly gam.ts has run it before this is loaded.
  async run(): Promise<void> {
    await uploadPackHere(this.argv);
  }
}
