import { parseConfigList } from '../config/entries.ts';
import { badBundle } from '../protocol/bundle-header.ts';
import { type BundleList, parseBundleList } from '../protocol/bundle-list.ts';
import { type Environment, withoutRepository } from './environment.ts';
import { runGit } from './run.ts';

/**
 * Reads a bundle list in its form as a file, that of git's configuration. git reads it itself, and includes nothing: the text
 * comes from whoever a mirror belongs to.
 *
 * @throws GamError `bad-bundle` when git cannot read it, or it is no list that gam understands
 */
export async function readBundleList(text: string, env: Environment): Promise<BundleList> {
  const args = ['config', '--no-includes', '--file', '-', '--list', '-z'];
  const { status, stdout } = await runGit(args, { env: withoutRepository(env), input: text });
  if (status !== 0) throw badBundle('is not a list of bundles');
  const variables = parseConfigList(stdout).map(({ section, subsection, name, value }): [string, string] => [
    [section, ...(subsection === null ? [] : [subsection]), name].join('.'),
    value ?? 'true',
  ]);
  return parseBundleList(variables);
}
