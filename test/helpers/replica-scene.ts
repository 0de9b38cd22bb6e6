import { appendFileSync, cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { bystanders } from './bystanders.ts';
import { enrolMembers } from './enrolled.ts';
import { type HttpServer, startHttpServer } from './http-server.ts';
import { type Line, openLine } from './line.ts';
import type { Fault } from './line-fault.ts';
import { MemberFaults } from './member-fault.ts';
import type { Refs } from './push-history.ts';
import { initBare } from './repository.ts';
import { makeSandbox, type Sandbox } from './sandbox.ts';

/** Names every process that works for a member, whoever started it. */
const MEMBER = 'GAM_TEST_MEMBER';
const SCENE = 'GAM_TEST_MEMBERS';

/** One member of a group, behind a web server of its own. */
export interface SceneMember {
  readonly id: string;
  /** Absolute. */
  readonly gitDir: string;
  readonly faults: MemberFaults;
  /** The URL for pushers. */
  readonly url: string;
  /** Sets what goes wrong between pushers and this member. */
  setFault(fault: Fault | null): void;
}

/** A group of primaries; each pair of members, and each member's pushers, have lines of their own. */
export interface ReplicaScene {
  readonly sandbox: Sandbox;
  readonly members: readonly SceneMember[];
  /** The first member, in whose refs the coordinator keeps its own. */
  readonly arbiter: SceneMember;
  /** So long a lock holds that nobody renews; the measure of all waits here. */
  readonly leaseMs: number;
  /** Sets what goes wrong on the line from one member to another. */
  setFault(from: string, to: string, fault: Fault | null): void;
  /** Puts all repositories and lines back to how they were founded. */
  reset(): Promise<void>;
  /** Sends a signal to all that works for a member now. */
  signalMember(id: string, signal: NodeJS.Signals): void;
  /** What works for members now. */
  working(): { pid: number; command: string }[];
  /** Waits until no hook, no git and no worker is at work any more; what still is then. */
  settled(patienceMs: number): Promise<readonly string[]>;
  /** Repairs members, as an administrator does: all of them, where none are named. Returns what was said where that failed. */
  repair(broken?: readonly SceneMember[]): Promise<string[]>;
  /** Published refs of a member. */
  refsOf(member: SceneMember): Promise<Refs>;
  /** What the group has agreed on. */
  state(): Promise<Refs>;
  /** Refs and files of pushes that are over, and should not be there. */
  leftovers(member: SceneMember): Promise<string[]>;
  close(): Promise<void>;
}

const LOOK_MS = 200;

/** The shortest lease that there is, so that runs are short. */
const SHORTEST_LEASE_MS = 2000;
const LEASE_IN_REPAIRS = 3;

function boundsOf(leaseMs: number): Record<string, string> {
  const ms = (factor: number) => `${Math.round(factor * leaseMs)}ms`;
  return { leaseTime: ms(1), memberTimeout: ms(1.5), lockTimeout: ms(1.75) };
}

async function serve(sandbox: Sandbox, id: string, faults: MemberFaults): Promise<HttpServer> {
  return startHttpServer({
    root: sandbox.path('served', id),
    env: { ...sandbox.env, ...faults.env, [MEMBER]: `${sandbox.root}-${id}`, [SCENE]: sandbox.root },
    push: true,
  });
}

// Returns how long the members' leases are.
async function found(
  sandbox: Sandbox,
  servers: ReadonlyMap<string, HttpServer>,
  shortestLeaseMs: number,
): Promise<number> {
  const members = [...servers].map(([id, { url }]) => ({
    id,
    gitDir: sandbox.path(`served/${id}/r.git`),
    url: `${url}/r.git`,
  }));
  const [first] = members;
  if (first === undefined) throw new Error('a group has members');
  await initBare(sandbox, first.gitDir);
  await enrolMembers(sandbox, members);
  // A repair asks every member: a lease outlasts a few of them, on a machine that is as busy as now.
  const began = performance.now();
  await sandbox.run('gam', ['replica', 'reconcile', '--repo', members.at(-1)?.gitDir ?? '']);
  const leaseMs = Math.round(Math.max(shortestLeaseMs, LEASE_IN_REPAIRS * (performance.now() - began)));
  for (const { gitDir } of members) {
    const settings = Object.entries(boundsOf(leaseMs)).map(([name, value]) => `\t${name} = ${value}\n`);
    appendFileSync(
      join(gitDir, 'config'),
      `[http]\n\tlowSpeedLimit = 1\n\tlowSpeedTime = 20\n[replica]\n${settings.join('')}`,
    );
  }
  return leaseMs;
}

function lockFiles(folder: string, below = ''): string[] {
  return readdirSync(join(folder, below), { withFileTypes: true }).flatMap((entry) => {
    const name = join(below, entry.name);
    if (entry.isDirectory()) return name === 'objects' ? [] : lockFiles(folder, name);
    // A worker that was killed leaves its lock to the next one.
    return name.endsWith('.lock') && entry.name !== 'worker.lock' ? [name] : [];
  });
}

function parseRefs(stdout: string, prefix: string): Map<string, string> {
  const lines = stdout.split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line) => {
      const [oid = '', ref = ''] = line.split(' ');
      return [`refs/${ref.slice(prefix.length)}`, oid];
    }),
  );
}

function signalAll(processes: readonly { pid: number }[], signal: NodeJS.Signals): void {
  for (const { pid } of processes)
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended.
    }
}

/**
 * Founds a group of primaries, named by their ids.
 * @param shortestLeaseMs leases are longer where the machine is busy
 */
export async function setReplicaScene(
  ids: readonly string[],
  shortestLeaseMs = SHORTEST_LEASE_MS,
): Promise<ReplicaScene> {
  const sandbox = makeSandbox();
  const faults = new Map(ids.map((id) => [id, new MemberFaults(sandbox.path(`faults-${id}`))]));
  const servers = new Map<string, HttpServer>();
  for (const [id, own] of faults) servers.set(id, await serve(sandbox, id, own));
  const leaseMs = await found(sandbox, servers, shortestLeaseMs);
  const lines = new Map<string, Line>();
  const lineTo = async (from: string, to: string) => {
    const line = await openLine({ to: servers.get(to)?.port ?? 0 });
    lines.set(`${from} ${to}`, line);
    return line;
  };
  const members: SceneMember[] = [];
  for (const id of ids) {
    const gitDir = sandbox.path('served', id, 'r.git');
    for (const other of ids.filter((one) => one !== id)) {
      const { port } = await lineTo(id, other);
      const way = `[url "http://127.0.0.1:${port}/"]\n\tinsteadOf = ${servers.get(other)?.url}/\n`;
      appendFileSync(join(gitDir, 'config'), way);
    }
    const line = await lineTo('', id);
    members.push({
      id,
      gitDir,
      faults: faults.get(id) as MemberFaults,
      url: `http://127.0.0.1:${line.port}/r.git`,
      setFault: (fault) => line.setFault(fault),
    });
  }
  const [arbiter] = members;
  if (arbiter === undefined) throw new Error('a group has members');
  cpSync(sandbox.path('served'), sandbox.path('founded'), { recursive: true });

  const working = () => bystanders(SCENE, sandbox.root);
  const settled = async (patienceMs: number) => {
    // Each look reads of every process of the machine, in the process that serves the members.
    for (const until = performance.now() + patienceMs; ; await pause(LOOK_MS)) {
      const left = working();
      if (left.length === 0 || performance.now() > until)
        return left.map(({ pid, command }) => `${pid} ${command}`);
    }
  };
  const reset = async () => {
    for (const line of lines.values()) line.setFault(null);
    signalAll(working(), 'SIGKILL');
    await settled(10_000);
    for (const { faults: own } of members) own.clear();
    rmSync(sandbox.path('served'), { recursive: true, force: true });
    cpSync(sandbox.path('founded'), sandbox.path('served'), { recursive: true });
  };
  const refsOf = async ({ gitDir }: SceneMember) => {
    const args = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/heads', 'refs/tags'];
    return parseRefs((await sandbox.git(args, { cwd: gitDir })).stdout, 'refs/');
  };
  return {
    sandbox,
    members,
    arbiter,
    leaseMs,
    working,
    settled,
    reset,
    refsOf,
    setFault: (from, to, fault) => lines.get(`${from} ${to}`)?.setFault(fault),
    signalMember: (id, signal) => signalAll(bystanders(MEMBER, `${sandbox.root}-${id}`), signal),
    repair: async (broken = members) => {
      const repaired = broken.map(({ gitDir }) =>
        sandbox.run('gam', ['replica', 'reconcile', '--repo', gitDir], {
          expectStatus: null,
          timeout: 60_000 + 10 * leaseMs,
        }),
      );
      const ended = await Promise.all(repaired);
      return ended.flatMap(({ status, stderr }, n) => (status === 0 ? [] : [`${broken[n]?.id}: ${stderr}`]));
    },
    state: async () => {
      const args = ['for-each-ref', '--format=%(objectname) %(refname)', 'refs/gam/state'];
      const refs = parseRefs((await sandbox.git(args, { cwd: arbiter.gitDir })).stdout, 'refs/gam/state/');
      refs.delete('refs/gam/group');
      return refs;
    },
    leftovers: async ({ gitDir }) => {
      const args = [
        'for-each-ref',
        '--format=%(refname)',
        'refs/gam/locks',
        'refs/gam/incoming',
        'refs/gam/request',
      ];
      const refs = (await sandbox.git(args, { cwd: gitDir })).stdout
        .split('\n')
        .filter((line) => line !== '');
      const begun = join(gitDir, 'gam/replica/begun');
      const notes = existsSync(begun) ? readdirSync(begun).map((name) => `begun/${name}`) : [];
      return [...refs, ...lockFiles(gitDir), ...notes];
    },
    close: async () => {
      signalAll(working(), 'SIGKILL');
      await Promise.all([...lines.values()].map((line) => line.close()));
      await Promise.all([...servers.values()].map((server) => server.close()));
      await sandbox.close();
    },
  };
}
