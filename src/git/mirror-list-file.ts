import { parseConfigList } from '../config/entries.ts';
import { writeVariables } from '../config/write.ts';
import { badMirrorList, type MirrorList, parseMirrorList, writeMirrorList } from '../protocol/mirror-list.ts';
import { type Environment, withoutRepository } from './environment.ts';
import { runGit } from './run.ts';

/** The most bytes that such a file may have. */
export const LARGEST_LIST_FILE = 1024 ** 2;

/**
 * Reads a mirror list in its form as a file, that of git's configuration. git reads it itself, and includes nothing: the text
 * may come from anybody.
 *
 * @throws GamError `bad-mirror-list` when git cannot read it, or it is no list
 */
export async function readMirrorListFile(text: Buffer, env: Environment): Promise<MirrorList> {
  if (text.length > LARGEST_LIST_FILE) throw badMirrorList('is larger than 1 MiB');
  const args = ['config', '--no-includes', '--file', '-', '--list', '-z'];
  const { status, stdout } = await runGit(args, { env: withoutRepository(env), input: text });
  if (status !== 0) throw badMirrorList('is no configuration file');
  return parseMirrorList(
    parseConfigList(stdout).map(({ section, subsection, name, value }): [string, string] => [
      [section, ...(subsection === null ? [] : [subsection]), name].join('.'),
      value ?? 'true',
    ]),
  );
}

/**
 * Writes the file that readMirrorListFile() reads: what is said of the server first, then a section for each mirror.
 * @throws GamError `bad-config` for control characters
 */
export function writeMirrorListFile(list: MirrorList): string {
  const variables = writeMirrorList(list).filter(([key, value]) => key !== 'mirror.more' || value !== '0');
  const general = variables.filter(([key]) => key.split('.').length === 2);
  return writeVariables([...general, ...variables.filter((one) => !general.includes(one))]);
}
