import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Environment, withoutRepository } from './environment.ts';
import { gitOutput, type RunOptions } from './run.ts';

/**
 * Runs something in a bare repository that has the objects of another one, and refs of its own. It is gone afterwards. Refs can so be pushed
 * by thousands, which no command line would hold, and no hook, no reader and no `git gc` sees them meanwhile.
 *
 * @param refs object ids by name
 * @param options those for a command in the repository that has the objects
 */
export async function withSideRefs<T>(
  refs: ReadonlyMap<string, string>,
  options: RunOptions,
  run: (env: Environment) => Promise<T>,
): Promise<T> {
  const { cwd = '.', env = {} } = options;
  const asked = ['rev-parse', '--show-object-format', '--git-path', 'objects'];
  const [format = 'sha1', objects = ''] = (await gitOutput(asked, options)).split('\n');
  const gitDir = await mkdtemp(join(env['TMPDIR'] ?? tmpdir(), 'gam-side-'));
  try {
    await mkdir(join(gitDir, 'refs'));
    await writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n');
    const extension = format === 'sha1' ? '' : '[extensions]\n\tobjectFormat = sha256\n';
    const version = format === 'sha1' ? 0 : 1;
    const core = `[core]\n\trepositoryFormatVersion = ${version}\n\tbare = true\n`;
    await writeFile(join(gitDir, 'config'), core + extension);
    const lines = [...refs].map(([name, oid]) => `${oid} ${name}\n`);
    await writeFile(join(gitDir, 'packed-refs'), lines.join(''));
    return await run({
      ...withoutRepository(env),
      GIT_OBJECT_DIRECTORY: env['GIT_OBJECT_DIRECTORY'] ?? resolve(cwd, objects),
      GIT_DIR: gitDir,
    });
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}
