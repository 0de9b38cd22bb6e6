import { randomBytes } from 'node:crypto';
import { initBare } from './repository.ts';
import type { Sandbox } from './sandbox.ts';

const MIB = 2 ** 20;

/**
 * Makes a bare repository whose pack nothing makes smaller, so that whoever sends it has to wait for whoever reads.
 * @returns the commit that leads to all of it
 */
export async function makeLarge(sandbox: Sandbox, path: string, mebibytes: number): Promise<string> {
  await initBare(sandbox, path);
  // Nor shall git look for what could make it smaller, which takes far longer than to send it.
  await sandbox.git(['config', 'core.compression', '0'], { cwd: path });
  await sandbox.git(['config', 'pack.window', '0'], { cwd: path });
  const files = Array.from({ length: mebibytes }, (_, index) => [
    Buffer.from(`M 644 inline ${index}\ndata ${MIB}\n`),
    randomBytes(MIB),
    Buffer.from('\n'),
  ]);
  const head = Buffer.from(
    'commit refs/heads/main\ncommitter C <c@example.com> 1700000000 +0000\ndata 1\nx\n',
  );
  await sandbox.git(['fast-import', '--quiet'], { cwd: path, input: Buffer.concat([head, ...files.flat()]) });
  return (await sandbox.git(['rev-parse', 'main'], { cwd: path })).stdout.trim();
}
