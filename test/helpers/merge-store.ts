import { join } from 'node:path';
import type { RunOptions } from '../../src/git/run.ts';
import { type FlatEntry, type LooseObjects, looseObjects } from './loose-objects.ts';
import { initBare } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

/** Text is a file; what starts with `@` a symbolic link to the rest, with `#` a submodule at that digit, with `!` a program. */
export type Files = Readonly<Record<string, string>>;

/** A bare repository whose commits are made without a process. */
export interface MergeStore {
  folder: string;
  objects: LooseObjects;
  run: RunOptions;
  commit(files: Files, parents?: readonly string[], date?: number): string;
  /** The files of a commit, in the same words. */
  filesOf(commit: string): Record<string, string>;
  /** What `git fsck --strict` has against it. */
  complaints(): Promise<string>;
}

export async function makeStore(
  sandbox: Sandbox,
  name: string,
  format: 'sha1' | 'sha256' = 'sha1',
): Promise<MergeStore> {
  const folder = await initBare(sandbox, name, format);
  const objects = looseObjects(join(folder, 'objects'), format);
  const entryOf = (text: string): FlatEntry => {
    if (text.startsWith('#'))
      return { mode: '160000', oid: text.slice(1).repeat(format === 'sha1' ? 40 : 64) };
    if (text.startsWith('@')) return { mode: '120000', oid: objects.write('blob', text.slice(1)) };
    if (text.startsWith('!')) return { mode: '100755', oid: objects.write('blob', text.slice(1)) };
    return { mode: '100644', oid: objects.write('blob', text) };
  };
  const textOf = ({ mode, oid }: FlatEntry): string => {
    if (mode === '160000') return `#${oid.slice(0, 1)}`;
    const sign = { '120000': '@', '100755': '!' }[mode] ?? '';
    return sign + objects.read(oid).toString('latin1');
  };
  return {
    folder,
    objects,
    run: { cwd: folder, env: { ...sandbox.env } },
    commit: (files, parents = [], date = 1_700_000_000) => {
      const tree = objects.writeTree(
        new Map(Object.entries(files).map(([path, text]) => [path, entryOf(text)])),
      );
      return objects.writeCommit({ tree, parents, date, message: 'change' });
    },
    filesOf: (commit) => {
      const tree = objects.readTree(objects.treeOf(commit));
      return Object.fromEntries([...tree].map(([path, entry]) => [path, textOf(entry)]));
    },
    complaints: async () => {
      const ended = await sandbox.git(['fsck', '--strict', '--no-dangling', '--no-progress'], {
        cwd: folder,
        expectStatus: null,
      });
      const lines = `${ended.stdout}${ended.stderr}`.split('\n');
      return lines.filter((line) => line !== '' && !line.startsWith('notice: ')).join('\n');
    },
  };
}
