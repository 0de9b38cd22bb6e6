import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from './sandbox.ts';

/** Runs `fixtures/repos/<name>.sh`, which makes repositories in a folder of the sandbox. */
export async function makeByRecipe(sandbox: Sandbox, name: string, folder: string): Promise<void> {
  const script = fileURLToPath(new URL(`../../fixtures/repos/${name}.sh`, import.meta.url));
  mkdirSync(sandbox.path(folder), { recursive: true });
  await sandbox.run('sh', [script], { cwd: folder });
}
