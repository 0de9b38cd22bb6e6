import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Bystander, untilNothing } from './bystanders.ts';
import type { Ended } from './child.ts';
import { enrolMembers } from './enrolled.ts';
import { initBare } from './repository.ts';
import type { RunInSandbox, Sandbox } from './sandbox.ts';

/** What goes on behind pushes may take so long on a busy machine, in milliseconds. */
const PATIENCE_MS = 60_000;

const GAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Repositories `<id>.git` of a sandbox, which are a group. The first is a primary, and the arbiter. */
export class ReplicaGroup {
  readonly sandbox: Sandbox;
  #commits = 0;

  constructor(sandbox: Sandbox) {
    this.sandbox = sandbox;
  }

  /** Makes a group of members by id, with an ordinary clone of the first one at `work`. */
  static async found(
    sandbox: Sandbox,
    members: Readonly<Record<string, 'primary' | 'follower'>>,
  ): Promise<ReplicaGroup> {
    const group = new ReplicaGroup(sandbox);
    const [first = ''] = Object.keys(members);
    await initBare(sandbox, `${first}.git`);
    await enrolMembers(
      sandbox,
      Object.entries(members).map(([id, role]) => ({ id, gitDir: group.url(id), role })),
    );
    await sandbox.git(['clone', '--quiet', group.url(first), 'work']);
    return group;
  }

  url(id: string): string {
    return this.sandbox.path(`${id}.git`);
  }

  gam(args: readonly string[], options?: RunInSandbox): Promise<Ended> {
    return this.sandbox.run(process.execPath, [GAM, ...args], options);
  }

  /** A commit that no other test has, made in the clone; its parent is what is named, or none. */
  async commit(parent?: string): Promise<string> {
    this.#commits += 1;
    const git: Sandbox['git'] = (args, options) => this.sandbox.git(args, options);
    const tree = (await git(['mktree'], { cwd: 'work', input: '' })).stdout.trim();
    const parents = parent === undefined ? [] : ['-p', parent];
    const args = ['commit-tree', ...parents, '-m', `commit ${this.#commits}`, tree];
    return (await git(args, { cwd: 'work' })).stdout.trim();
  }

  /** Pushes from the clone, as a user does. */
  push(refspecs: readonly string[], to = 'eu', options: RunInSandbox = {}): Promise<Ended> {
    return this.sandbox.git(['push', '--quiet', this.url(to), ...refspecs], { cwd: 'work', ...options });
  }

  /** The refs of a repository that begin so, by name: the published ones, unless others are named. */
  async refs(
    id: string,
    prefixes: readonly string[] = ['refs/heads', 'refs/tags', 'refs/notes'],
  ): Promise<Map<string, string>> {
    const args = ['for-each-ref', '--format=%(refname) %(objectname)', ...prefixes];
    const { stdout } = await this.sandbox.git(args, { cwd: `${id}.git` });
    const lines = stdout.split('\n').filter((line) => line !== '');
    return new Map(lines.map((line) => line.split(' ') as [string, string]));
  }

  /** Waits until a member's published refs are those of another one. */
  async follows(id: string, other = 'eu'): Promise<void> {
    const differ = async () => {
      // A hosted member may bring the other something meanwhile.
      const [meant, now] = [await this.refs(other), await this.refs(id)];
      return [...new Set([...now.keys(), ...meant.keys()])].filter((ref) => now.get(ref) !== meant.get(ref));
    };
    const found = await untilNothing(differ, PATIENCE_MS);
    assert.deepEqual(found, [], `${id} is behind ${other}: ${this.log(other)}`);
  }

  /** What a member's workers said. */
  log(id: string): string {
    try {
      return readFileSync(`${this.url(id)}/gam/replica/log`, 'utf8');
    } catch {
      return '';
    }
  }

  /** Waits until a member's workers have said such a thing. */
  async logged(id: string, pattern: RegExp): Promise<void> {
    const found = await untilNothing(() => (pattern.test(this.log(id)) ? [] : [pattern]), PATIENCE_MS);
    assert.deepEqual(found, [], this.log(id));
  }

  #workers(): Bystander[] {
    return this.sandbox.living().filter(({ command }) => command.endsWith('member.js work'));
  }

  /** Waits for a worker, and ends all there are as a machine does that goes down. */
  async killWorkers(): Promise<void> {
    const some = await untilNothing(() => (this.#workers().length > 0 ? [] : ['a worker']), PATIENCE_MS);
    assert.deepEqual(some, []);
    const left = await untilNothing(() => {
      const all = this.#workers();
      for (const { pid } of all) process.kill(pid, 'SIGKILL');
      return all;
    }, PATIENCE_MS);
    assert.deepEqual(left, []);
  }

  /** Waits until no worker is at work anywhere in the sandbox. */
  async resting(): Promise<void> {
    assert.deepEqual(await untilNothing(() => this.#workers(), PATIENCE_MS), []);
  }

  /** What `gam replica status --json` says at a member. */
  async status(id = 'eu'): Promise<ReplicaStatus> {
    const args = ['replica', 'status', '--json', '--repo', this.url(id)];
    return JSON.parse((await this.gam(args, { expectStatus: null })).stdout) as ReplicaStatus;
  }
}

/** What tests read of `gam replica status --json`. */
export interface ReplicaStatus {
  members: {
    id: string;
    role: string;
    state: string;
    queued: number;
    queuedMs: number | null;
    lastFailure: { at: number; reason: string } | null;
    apart: string[];
  }[];
  diverged: string[];
}
