import { existsSync, readdirSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { Ended } from './child.ts';
import { enrolMembers } from './enrolled.ts';
import { initBare } from './repository.ts';
import type { RunInSandbox, Sandbox } from './sandbox.ts';

/** How a test speaks of a group. */
export interface TestGroup {
  /** Runs `gam replica <args>` in a member's repository. */
  replica(id: string, args: readonly string[], options?: RunInSandbox): Promise<Ended>;
  /** A ref at a member; an empty string where it has none. */
  ref(id: string, ref: string): Promise<string>;
  /** Resolves when no member has anything left to do behind pushes. */
  idle(ids: readonly string[]): Promise<void>;
}

/** The longest that workers may have to do, in milliseconds. */
const LONGEST_MS = 60_000;

function isBusy(repository: string): boolean {
  const folder = `${repository}/gam/replica`;
  const has = (name: string) => existsSync(`${folder}/${name}`);
  const queue = has('queue') ? readdirSync(`${folder}/queue`) : [];
  const notes = queue.flatMap((id) => readdirSync(`${folder}/queue/${id}`));
  return has('wake') || has('worker.lock') || notes.length > 0;
}

/** A group whose members are `<id>.git` in the sandbox. */
export function testGroup(sandbox: Sandbox): TestGroup {
  return {
    replica: (id, args, options) =>
      sandbox.run('gam', ['replica', ...args, '--repo', sandbox.path(`${id}.git`)], options),
    ref: async (id, ref) =>
      (
        await sandbox.git(['rev-parse', '--verify', '--quiet', ref], { cwd: `${id}.git`, expectStatus: null })
      ).stdout.trim(),
    idle: async (ids) => {
      const deadline = performance.now() + LONGEST_MS;
      while (ids.some((id) => isBusy(sandbox.path(`${id}.git`)))) {
        if (performance.now() > deadline) throw new Error(`still at work: ${ids.join(', ')}`);
        await pause(50);
      }
    },
  };
}

/** Makes a group of primaries, in empty repositories; the first is the arbiter. */
export async function foundPrimaries(sandbox: Sandbox, ids: readonly string[]): Promise<TestGroup> {
  const members = ids.map((id) => ({ id, gitDir: sandbox.path(`${id}.git`) }));
  await initBare(sandbox, `${ids[0]}.git`);
  await enrolMembers(sandbox, members);
  return testGroup(sandbox);
}

/** Clones a member, with a first commit that is not pushed yet. */
export async function cloneMember(sandbox: Sandbox, url: string, name: string): Promise<void> {
  await sandbox.git(['clone', '--quiet', url, name]);
  await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', `${name} begins`], { cwd: name });
}
