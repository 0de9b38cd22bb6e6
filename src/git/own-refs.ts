import { gitOutput, type RunOptions } from './run.ts';

/**
 * Where the branches and tags of a repository stand: object ids by ref name.
 * @throws GamError `git-failed` when git will not work there
 */
export async function ownRefs(gitDir: string, options: RunOptions): Promise<Map<string, string>> {
  const args = ['-C', gitDir, 'for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'];
  const lines = (await gitOutput(args, options)).split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line): [string, string] => {
      const [oid = '', name = ''] = line.split(' ', 2);
      return [name, oid];
    }),
  );
}
