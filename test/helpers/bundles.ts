import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeBundleList } from '../../src/protocol/bundle-list.ts';
import type { Sandbox } from './sandbox.ts';

/** Has git write a bundle; `revisions` are those of git-rev-list(1). */
export async function makeBundle(
  sandbox: Sandbox,
  repository: string,
  file: string,
  revisions: readonly string[] = ['--branches', '--tags'],
): Promise<string> {
  mkdirSync(dirname(sandbox.path(file)), { recursive: true });
  await sandbox.git(['bundle', 'create', '--quiet', sandbox.path(file), ...revisions], { cwd: repository });
  return sandbox.path(file);
}

/** Writes a bundle list as git's configuration; the URIs by creation token, from 1 on. */
export async function makeBundleList(
  sandbox: Sandbox,
  file: string,
  uris: readonly string[],
  mode: 'all' | 'any' = 'all',
  byToken = true,
): Promise<void> {
  const bundles = uris.map((uri, index) => ({
    id: `day-${index + 1}`,
    uri,
    creationToken: byToken ? BigInt(index + 1) : null,
    filter: null,
  }));
  mkdirSync(dirname(sandbox.path(file)), { recursive: true });
  writeFileSync(sandbox.path(file), '');
  for (const [key, value] of writeBundleList({ mode, byToken, bundles }))
    await sandbox.git(['config', '--file', sandbox.path(file), key, value]);
}
