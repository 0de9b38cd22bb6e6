import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFileSync, cpSync, rmSync } from 'node:fs';
import { expectClean, expectNoChildren, expectSameRefs, fsckComplaints } from './evidence.ts';
import type { HttpServer } from './http-server.ts';
import { startHttpServer } from './http-server.ts';
import { asFetched, refsOf } from './refs.ts';
import { addCommits, cloneBare, generateHistory, setOrigin } from './repository.ts';
import { digestOf } from './same-bytes.ts';
import { makeSandbox, type Sandbox } from './sandbox.ts';

/**
 * A canonical repository that is ahead of its mirror, which is ahead of a clone: a fetch in the clone takes
 * some from the mirror and the rest from canonical.
 */
export interface Scene {
  sandbox: Sandbox;
  server: HttpServer;
  /** The URLs of canonical and of the mirror, by path or by http. */
  canonical: string;
  mirror: string;
  /** A fresh copy of the clone, with the mirror configured and `mirror::` before its URL; its name. */
  copy(name: string): Promise<string>;
  /** The clone's refs before any fetch are still what it has. */
  isUntouched(clone: string): Promise<boolean>;
  /** It is to the byte what it was before any fetch. */
  isAsBefore(clone: string): boolean;
  close(): Promise<void>;
}

/** Copies a repository within a sandbox. */
export async function copyRepository(sandbox: Sandbox, from: string, to: string): Promise<string> {
  rmSync(sandbox.path(to), { recursive: true, force: true });
  // cp() takes ten times as long.
  cpSync(sandbox.path(from), sandbox.path(to), { recursive: true, preserveTimestamps: true });
  return to;
}

/** What a scene is made of. */
export interface SceneOptions {
  transport: 'file' | 'http';
  /** Commits that only canonical has; none makes a mirror that has everything. */
  ahead?: number;
  /** Bytes of a file that is new in the mirror and compresses to nothing less: above 4 MiB a sweeper comes. */
  bulk?: number;
  /** More configuration of the clone. */
  config?: Readonly<Record<string, string>>;
}

async function addFile(sandbox: Sandbox, repository: string, content: Buffer): Promise<void> {
  const run = async (args: string[], input: string | Buffer = '') =>
    (await sandbox.git(args, { cwd: repository, input })).stdout.trim();
  const blob = await run(['hash-object', '-w', '--stdin'], content);
  const tree = await run(['mktree'], `100644 blob ${blob}\tbulk\n`);
  const commit = await run(['commit-tree', '-p', 'main', '-m', 'Add bulk', tree]);
  await run(['update-ref', 'refs/heads/main', commit]);
}

/** Sets a scene in a sandbox of its own. */
export async function setScene({
  transport,
  ahead = 5,
  bulk = 0,
  config = {},
}: SceneOptions): Promise<Scene> {
  const sandbox = makeSandbox();
  // A machine that is busy is no reason to leave a mirror.
  appendFileSync(sandbox.path('home/.gitconfig'), '[gam]\n\tconnectTimeout = 60s\n\tlowSpeedTime = 60s\n');
  await generateHistory(sandbox, 'served/canonical.git', { commits: 60, tags: 2, branches: 2 });
  await sandbox.git(['clone', '-q', '--no-checkout', 'served/canonical.git', 'ready']);
  await addCommits(sandbox, 'served/canonical.git', 20, { seed: 5 });
  if (bulk > 0) await addFile(sandbox, 'served/canonical.git', randomBytes(bulk));
  await cloneBare(sandbox, 'served/canonical.git', 'served/mirror.git');
  if (ahead > 0) await addCommits(sandbox, 'served/canonical.git', ahead, { seed: 9, tags: 1 });
  const server = await startHttpServer({
    root: sandbox.path('served'),
    env: sandbox.serverEnv,
  });
  const base = transport === 'http' ? server.url : sandbox.path('served');
  const [canonical, mirror] = [`${base}/canonical.git`, `${base}/mirror.git`];
  setOrigin(sandbox, 'ready', { url: `mirror::${canonical}`, mirrorUrl: mirror });
  for (const [key, value] of Object.entries(config)) {
    await sandbox.git(['config', key, value], { cwd: 'ready' });
  }
  const before = JSON.stringify(await refsOf(sandbox, 'ready'));
  const digest = (clone: string) => digestOf(sandbox.path(clone, '.git'));
  const bytesBefore = digest('ready');
  return {
    sandbox,
    server,
    canonical,
    mirror,
    copy: (name) => copyRepository(sandbox, 'ready', name),
    isUntouched: async (clone) => JSON.stringify(await refsOf(sandbox, clone)) === before,
    isAsBefore: (clone) => digest(clone) === bytesBefore,
    async close() {
      await server.close();
      await sandbox.close();
    },
  };
}

/** The arguments of a clone in a scene. */
export function cloneArguments({ canonical, mirror }: Scene, to: string): string[] {
  return ['clone', '-q', '-c', `remote.origin.mirrorUrl=${mirror}`, `mirror::${canonical}`, to];
}

/** The clone has what canonical has, is sound, and nothing is left over: no ref, no file, no process. */
export async function expectFetched({ sandbox }: Scene, clone: string): Promise<void> {
  await expectNoChildren(sandbox);
  await expectClean(sandbox, clone);
  await expectSameRefs(sandbox, clone, 'served/canonical.git', asFetched);
}

async function expectSound({ sandbox }: Scene, clone: string): Promise<void> {
  assert.deepEqual(await fsckComplaints(sandbox, clone), []);
  await expectSameRefs(sandbox, clone, 'served/canonical.git', asFetched);
}

/**
 * A clone in which a fetch broke off is as good as before: plain git fetches into it with canonical's own
 * URL, and the next helper fetches, too, and leaves nothing over. One that is to the byte as before needs no proof.
 */
export async function expectRecovery(scene: Scene, clone: string): Promise<void> {
  const { sandbox, canonical } = scene;
  await expectNoChildren(sandbox);
  if (scene.isAsBefore(clone)) return;
  const plain = await copyRepository(sandbox, clone, `${clone}-plain`);
  setOrigin(sandbox, plain, { url: canonical });
  await sandbox.git(['fetch', '-q'], { cwd: plain });
  await expectSound(scene, plain);

  await sandbox.git(['fetch', '-q'], { cwd: clone });
  await expectFetched(scene, clone);
}

/** The same for a fetch with gam switched off, behind which the next helper has nothing left to fetch. */
export async function expectRecoveryDisabled(scene: Scene, clone: string): Promise<void> {
  const { sandbox } = scene;
  await expectNoChildren(sandbox);
  const disabled = await copyRepository(sandbox, clone, `${clone}-disabled`);
  await sandbox.git(['fetch', '-q'], { cwd: disabled, env: { GAM_DISABLE: '1' } });
  await expectSound(scene, disabled);

  await sandbox.git(['fetch', '-q'], { cwd: disabled });
  await expectFetched(scene, disabled);
}

/** Runs a check for each of many cases and tells which ones failed, all of them. */
export async function expectForEach<T>(
  cases: readonly T[],
  name: (one: T) => string,
  check: (one: T) => Promise<void>,
): Promise<void> {
  const failures: string[] = [];
  for (const one of cases) {
    await check(one).catch((error: unknown) => failures.push(`${name(one)}\n${String(error)}`));
  }
  assert.deepEqual(failures, []);
}
