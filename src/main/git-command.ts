import type { ConfigEntry } from '../config/entries.ts';
import { readConfig } from '../git/config.ts';
import type { Environment } from '../git/environment.ts';
import { GamCommand } from './command.ts';
import { runGitHere } from './run-git.ts';

/** A command of git's that gam runs with all that git knows of it: its words are not gam's to parse. */
export abstract class GitCommand extends GamCommand {
  static override strict = false;

  protected isQuiet(): boolean {
    return this.argv.some((word) => word === '-q' || word === '--quiet');
  }

  /**
   * Runs git with the words of this command.
   * @param through makes git's words, so that it goes through gam
   * @param more is added to the environment
   * @returns the exit status
   */
  protected async runGit(
    through: (words: readonly string[], entries: readonly ConfigEntry[], cwd: string) => string[],
    more: Environment = {},
  ): Promise<number> {
    // Where the configuration cannot be read, git tells why.
    const entries = await readConfig({ env: this.env, ...this.where }).catch(() => []);
    const words = through(this.argv, entries, this.where.cwd);
    process.exitCode = await runGitHere(words, this.isQuiet(), { ...this.env, ...more });
    return process.exitCode;
  }
}
