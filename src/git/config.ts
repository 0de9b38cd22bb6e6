import { type ConfigEntry, parseConfigList } from '../config/entries.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** Everything git's configuration says here: files, includes, `git -c` and the environment. */
export async function readConfig(options: RunOptions): Promise<ConfigEntry[]> {
  return parseConfigList(await gitOutput(['config', '--list', '-z'], options));
}
