import { rm } from 'node:fs/promises';
import { untilNothing } from '../../helpers/bystanders.ts';
import type { RunInSandbox, Sandbox } from '../../helpers/sandbox.ts';
import type { Subject } from '../demo/subject.ts';
import type { Sample } from './row.ts';
import type { Place, Scene } from './scene.ts';

/** A large repository over a thin line takes its time. */
const PATIENCE_MS = 30 * 60_000;

/** Everything a row needs. */
export interface Stage {
  sandbox: Sandbox;
  scene: Scene;
  subject: Subject;
}

/** Runs a command and measures it, to the end of everything that it has started. */
export async function measured(
  { sandbox, scene }: Stage,
  command: string,
  args: readonly string[],
  options: RunInSandbox = {},
): Promise<Sample> {
  const before = scene.traffic();
  const start = performance.now();
  await sandbox.run(command, args, { timeout: PATIENCE_MS, ...options });
  const time = performance.now() - start;
  // A sweeper may be at work behind git: it must not slow the next run down.
  await untilNothing(() => sandbox.living());
  const { fromMirrors, fromCanonical } = scene.traffic();
  return {
    time,
    fromMirrors: fromMirrors - before.fromMirrors,
    fromCanonical: fromCanonical - before.fromCanonical,
  };
}

/** The options of a clone through gam with these mirrors. */
export function withMirrors(mirrors: readonly Place[]): string[] {
  return mirrors.flatMap(({ url }) => ['-c', `remote.origin.mirrorUrl=${url}`]);
}

/** Measures a clone, and removes it. */
export async function cloned(
  stage: Stage,
  args: readonly string[],
  options: RunInSandbox = {},
): Promise<Sample> {
  const sample = await measured(stage, 'git', ['clone', '-q', ...args, 'clone'], options);
  await rm(stage.sandbox.path('clone'), { recursive: true });
  return sample;
}

/** What a client is that fetches. */
export interface Client {
  /** The folder name of a repository: what the client has already. */
  has: 'canonical.git' | 'stale.git' | 'old.git';
  url: string;
  mirrors?: readonly Place[];
  config?: Readonly<Record<string, string>>;
}

/** Makes a client in a folder of the sandbox; it has no files checked out. */
export async function makeClient({ sandbox }: Stage, name: string, client: Client): Promise<void> {
  const { has, url, mirrors = [], config = {} } = client;
  await sandbox.git(['clone', '-q', '-n', sandbox.path('repositories', has), name]);
  const set = (key: string, value: string) => sandbox.git(['config', '--add', key, value], { cwd: name });
  await sandbox.git(['config', 'remote.origin.url', url], { cwd: name });
  // What git does now and then by itself would fall into one round or another.
  for (const [key, value] of Object.entries({ 'gc.auto': '0', ...config })) await set(key, value);
  for (const mirror of mirrors) await set('remote.origin.mirrorUrl', mirror.url);
}

/** Measures a fetch by a client that is made for it, and removes it. */
export async function fetched(stage: Stage, client: Client): Promise<Sample> {
  await makeClient(stage, 'client', client);
  const sample = await measured(stage, 'git', ['fetch', '-q'], { cwd: 'client' });
  await rm(stage.sandbox.path('client'), { recursive: true });
  return sample;
}
