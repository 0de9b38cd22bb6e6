import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from './sandbox.ts';

/** Which repository sent how many bytes of packs, whatever the transport. */
export interface PackLog {
  /** Bytes by the repository's folder name, since the start or the last forget(). */
  read(): Record<string, number>;
  forget(): void;
}

/** Lets every upload-pack of the sandbox, and of servers with its environment, log the packs it makes. */
export async function logPacks(sandbox: Sandbox): Promise<PackLog> {
  const file = sandbox.path('packs.log');
  const hook = fileURLToPath(new URL('../../fixtures/bin/count-pack', import.meta.url));
  const command = `PACK_LOG='${file}' '${hook}'`;
  await sandbox.git(['config', '--global', 'uploadpack.packObjectsHook', command]);
  return {
    read() {
      const sums: Record<string, number> = {};
      const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
      for (const line of text.split('\n').filter(Boolean)) {
        const [repository = '', bytes] = line.split(' ');
        sums[repository] = (sums[repository] ?? 0) + Number(bytes);
      }
      return sums;
    },
    forget: () => rmSync(file, { force: true }),
  };
}
