import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Makes one file of gam's own file events, and of nothing else. */
export async function bundleOurs(file: string): Promise<string> {
  await build({
    entryPoints: [fileURLToPath(new URL('../../../src/sync/file-events.ts', import.meta.url))],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  return file;
}
