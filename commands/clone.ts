import { lastValue } from '../src/config/entries.ts';
import { isAlive, processName } from '../src/git/alive.ts';
import { BegunClone, type Earlier, gone, removeStaleNotes } from '../src/git/begun-clone.ts';
import { cloneTarget, isFree, settleBrokenClone } from '../src/git/broken-clone.ts';
import { readConfig } from '../src/git/config.ts';
import { bytesKept, keptClonesFolder, removeKept } from '../src/git/kept-clones.ts';
import { cloneThroughGam } from '../src/git/through-gam.ts';
import { CTRL_C, GitCommand } from '../src/main/git-command.ts';
import { removeLeftLines } from '../src/main/leave-line.ts';
import { formatBytes } from '../src/mirror/account.ts';
import { printable } from '../src/protocol/text.ts';

/** Above this is what a shell gives for a command that a signal has ended; git itself dies with just this. */
const KILLED = 128;

export default class Clone extends GitCommand {
  static override summary = 'Clone through gam: git clone, with a Ctrl-C that leaves a slow mirror.';
  static override description = [
    'Runs git clone with mirror:: in front of the URL, and with all options of git clone. <url> is any that ' +
      'git can clone, with or without mirror::; without <dir> git makes a name of it. What git says, and its ' +
      'exit status, are its own.',
    CTRL_C,
    'What a mirror has brought whole (a large history comes in parts, gam.checkpoints) is kept under ' +
      '$XDG_CACHE_HOME/gam until a clone of the same URL is done, whatever stopped the first one. The ' +
      'next gam clone of it goes on from there, from any mirror. The folder of one that was killed is no ' +
      'hindrance to the very same command, as long as nothing is in it but what git had made.',
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
    if (root !== null) {
      await removeKept(root, null);
      removeStaleNotes(root);
    }
    const words = await this.gitWords(cloneThroughGam);
    const target = cloneTarget(words, this.where.cwd);
    const begun = root !== null && target !== null ? new BegunClone(root, target.folder, words) : null;
    const earlier = begun?.earlier() ?? null;
    if (await this.#isComplete(words, earlier)) {
      begun?.end();
      if (root !== null && earlier !== null) await removeKept(root, earlier.owner);
      return;
    }
    const inParts = earlier !== null && (await this.#mayCutIntoParts(words));
    if (inParts) this.#tell('the last clone broke off; this one comes in parts, which are kept');
    const run = inParts ? ['-c', 'gam.checkpoints=always', ...words] : words;
    // Where something is, git refuses, and a note there is another clone's.
    const note = target !== null && isFree(target.folder) ? begun : null;
    const { status, broke } = await this.#clone(run, note, root);
    if (status !== 0 && broke) return note?.failed(processName(process.pid));
    // What a signal has ended may have left its folder.
    if (status <= KILLED || (target !== null && isFree(target.folder))) note?.end();
  }

  /** Whether an earlier run of this very command, which was killed, had come to its end all the same. */
  async #isComplete(words: readonly string[], earlier: Earlier | null): Promise<boolean> {
    if (earlier?.git != null && isAlive(earlier.git) === true) {
      this.#tell('git still works on the clone that was killed; waiting for its end');
      await gone(earlier.git);
    }
    const begun = earlier === null || earlier.failed ? null : earlier.at;
    const found = await settleBrokenClone(words, begun, this.env, this.where.cwd).catch(() => null);
    const place = printable(found?.folder ?? '');
    if (found?.state === 'removed') this.#tell(`removed what a killed clone has left in ${place}`);
    if (found?.state !== 'complete') return false;
    this.#tell(`the clone that was killed had come to its end: ${place} is complete`);
    await removeLeftLines();
    return true;
  }

  /** Whether the user has not said how a history comes. What broke off once may well do so again. */
  async #mayCutIntoParts(words: readonly string[]): Promise<boolean> {
    const entries = await readConfig({ env: this.env, ...this.where }).catch(() => []);
    const set = lastValue(entries, 'gam', null, 'checkpoints') !== undefined;
    return !set && !words.some((word) => /gam\.checkpoints/i.test(word));
  }

  async #clone(
    words: readonly string[],
    note: BegunClone | null,
    root: string | null,
  ): Promise<{ status: number; broke: boolean }> {
    const owner = processName(process.pid);
    const more = root === null ? {} : { GAM_KEPT_CLONES: root, GAM_KEPT_BY: owner };
    const seen = { held: false, broke: false };
    const status = await this.runGit(words, more, {
      started: (pid) => note?.runs(owner, processName(pid)),
      held: () => {
        seen.held = true;
      },
      broke: () => {
        seen.broke = true;
      },
    });
    // A mirror that sends when a signal ends all does not come to say so.
    const broke = seen.broke || (seen.held && status > KILLED);
    if (root === null) return { status, broke };
    const kept = status === 0 ? 0 : await bytesKept(root, owner);
    if (status === 0) await removeKept(root, owner);
    if (kept > 0)
      this.#tell(`${formatBytes(kept)} are kept; the same gam clone goes on from there within a week`);
    return { status, broke };
  }

  #tell(what: string): void {
    if (!this.isQuiet()) this.remark(what);
  }
}
