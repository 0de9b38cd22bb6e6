import type { ConfigEntry } from '../config/entries.ts';
import { readConfig } from '../git/config.ts';
import type { Environment } from '../git/environment.ts';
import { GamCommand } from './command.ts';
import { type GitEvents, runGitHere } from './run-git.ts';

/** What Ctrl-C does under such a command, for its help. */
export const CTRL_C =
  'The first Ctrl-C leaves the mirror that sends now, for the next one or for canonical, which goes on ' +
  'from what it brought whole. A second one within two seconds stops, and so does the first where no ' +
  'mirror sends: then the status is 130, and nothing is left.';

/** A command of git's that gam runs with all that git knows of it: its words are not gam's to parse. */
export abstract class GitCommand extends GamCommand {
  static override strict = false;

  protected isQuiet(): boolean {
    return this.argv.some((word) => word === '-q' || word === '--quiet');
  }

  /**
   * The words for git of this command.
   * @param through makes them, so that git goes through gam
   */
  protected async gitWords(
    through: (words: readonly string[], entries: readonly ConfigEntry[], cwd: string) => string[],
  ): Promise<string[]> {
    // Where the configuration cannot be read, git tells why.
    const entries = await readConfig({ env: this.env, ...this.where }).catch(() => []);
    return through(this.argv, entries, this.where.cwd);
  }

  /**
   * Runs git, whose exit status becomes that of this process.
   * @param more is added to the environment
   * @returns the exit status
   */
  protected async runGit(
    words: readonly string[],
    more: Environment = {},
    events: GitEvents = { started: () => undefined, held: () => undefined, broke: () => undefined },
  ): Promise<number> {
    process.exitCode = await runGitHere(words, this.isQuiet(), { ...this.env, ...more }, events);
    return process.exitCode;
  }
}
