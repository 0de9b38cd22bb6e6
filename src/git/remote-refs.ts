import { parseRefLine } from '../protocol/ls-refs.ts';
import { type RunOptions, runGit } from './run.ts';

/**
 * Where a remote's branches stand: object ids by name. git itself asks, with everything that the user has set up for
 * that server.
 * @returns null when it does not answer
 */
export async function remoteBranches(url: string, options: RunOptions): Promise<Map<string, string> | null> {
  const { status, stdout } = await runGit(['ls-remote', '--heads', '--', url], {
    ...options,
    talks: 'asking',
  });
  if (status !== 0) return null;
  const refs = stdout.split('\n').map((line) => parseRefLine(line.replace('\t', ' ')));
  return new Map(refs.flatMap((ref) => (ref?.oid ? [[ref.name, ref.oid] as const] : [])));
}
