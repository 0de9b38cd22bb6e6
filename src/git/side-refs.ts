import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { type Environment, withoutRepository } from './environment.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** What git sets for a hook whose objects nobody else may see yet (git-receive-pack(1), "Quarantine Environment"). */
const QUARANTINE = ['GIT_OBJECT_DIRECTORY', 'GIT_ALTERNATE_OBJECT_DIRECTORIES'] as const;

/** Object ids by name. */
export interface SideRefs {
  packed: ReadonlyMap<string, string>;
  /** Those that git will delete again: of a packed one it writes all others anew. */
  loose: ReadonlyMap<string, string>;
}

/**
 * Runs something in a bare repository that has the objects of another one, and refs of its own. It is gone afterwards. Refs can so be pushed
 * and expected by thousands, which no command line would hold, and no hook, no reader and no `git gc` sees them meanwhile.
 *
 * @param options those for a command in the repository that has the objects, also from inside a hook
 */
export async function withSideRefs<T>(
  refs: SideRefs,
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
    const lines = [...refs.packed].map(([name, oid]) => `${oid} ${name}\n`);
    await writeFile(join(gitDir, 'packed-refs'), lines.join(''));
    for (const [name, oid] of refs.loose) {
      await mkdir(dirname(join(gitDir, name)), { recursive: true });
      await writeFile(join(gitDir, name), `${oid}\n`);
    }
    const quarantine = Object.fromEntries(QUARANTINE.map((name) => [name, env[name]]));
    return await run({
      ...withoutRepository(env),
      ...quarantine,
      GIT_OBJECT_DIRECTORY: env['GIT_OBJECT_DIRECTORY'] ?? resolve(cwd, objects),
      GIT_DIR: gitDir,
    });
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}
