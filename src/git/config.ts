import { type ConfigEntry, parseConfigList } from '../config/entries.ts';
import { gitOutput, type RunOptions } from './run.ts';

/**
 * Everything git's configuration says here: files, includes, `git -c` and the environment.
 * @param args of git itself, such as more `-c`
 */
export async function readConfig(options: RunOptions, args: readonly string[] = []): Promise<ConfigEntry[]> {
  return parseConfigList(await gitOutput([...args, 'config', '--list', '-z'], options));
}
