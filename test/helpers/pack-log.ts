import { existsSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from './sandbox.ts';

/** Which repository sent how many bytes of packs, whatever the transport. */
export interface PackLog {
  /** Bytes sent by the repositories under a folder of the sandbox, since the start or the last forget(). */
  sentFrom(folder: string): number;
  forget(): void;
}

/** Lets every upload-pack of the sandbox, and of servers with its environment, log the packs it makes. */
export async function logPacks(sandbox: Sandbox): Promise<PackLog> {
  const file = sandbox.path('packs.log');
  const hook = fileURLToPath(new URL('../../fixtures/bin/count-pack', import.meta.url));
  // A shell runs this, in the repository.
  const command = `exec '${hook}' '${file}' "$PWD"`;
  await sandbox.git(['config', '--global', 'uploadpack.packObjectsHook', command]);
  return {
    sentFrom(folder) {
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      return [...text.matchAll(/^(\d+) (.*)$/gm)]
        .filter(([, , repository = '']) => `${relative(sandbox.root, repository)}/`.startsWith(`${folder}/`))
        .reduce((sum, [, bytes]) => sum + Number(bytes), 0);
    },
    forget: () => rmSync(file, { force: true }),
  };
}
