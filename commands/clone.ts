import { processName } from '../src/git/alive.ts';
import { removeBrokenClone } from '../src/git/broken-clone.ts';
import { bytesKept, keptClonesFolder, removeKept } from '../src/git/kept-clones.ts';
import { cloneThroughGam } from '../src/git/through-gam.ts';
import { CTRL_C, GitCommand } from '../src/main/git-command.ts';
import { formatBytes } from '../src/mirror/account.ts';
import { printable } from '../src/protocol/text.ts';

export default class Clone extends GitCommand {
  static override summary = 'Clone through gam: git clone, with a Ctrl-C that leaves a slow mirror.';
  static override description = [
    'Runs git clone with mirror:: in front of the URL, and with all options of git clone. <url> is any that ' +
      'git can clone, with or without mirror::; without <dir> git makes a name of it. What git says, and its ' +
      'exit status, are its own.',
    CTRL_C,
    'What a mirror has brought whole (a large history comes in parts, gam.checkpoints) is kept under ' +
      '$XDG_CACHE_HOME/gam until a clone of the same URL is done, whatever stopped the first one. The ' +
      'next gam clone of it goes on from there, from any mirror.',
    'For a URL that "gam enable" sends through gam, mirror:: is left out.',
  ].join('\n\n');
  static override usage = 'clone <url> [<dir>] [options of git clone]';
  static override examples = [
    '<%= config.bin %> clone https://far.example/project.git',
    '<%= config.bin %> clone --depth=1 -b main git@far.example:project.git work',
    '<%= config.bin %> clone -c remote.origin.mirrorUrl=https://eu.example/p.git https://far.example/p.git',
  ];

  async run(): Promise<void> {
    const root = keptClonesFolder(this.env);
    const owner = processName(process.pid);
    if (root !== null) await removeKept(root, null);
    const more = root === null ? {} : { GAM_KEPT_CLONES: root, GAM_KEPT_BY: owner };
    const words = await this.gitWords(cloneThroughGam);
    const broken = await removeBrokenClone(words, this.env, this.where.cwd).catch(() => null);
    if (broken !== null && !this.isQuiet())
      this.remark(`removed what a killed clone has left in ${printable(broken)}`);
    const status = await this.runGit(words, more);
    if (root === null) return;
    const kept = status === 0 ? 0 : await bytesKept(root, owner);
    if (status === 0) await removeKept(root, owner);
    if (kept > 0 && !this.isQuiet())
      this.remark(`${formatBytes(kept)} are kept; the same gam clone goes on from there within a week`);
  }
}
