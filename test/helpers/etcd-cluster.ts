import { untilNothing } from './bystanders.ts';
import type { Running } from './child.ts';
import { installed } from './installed.ts';
import { closedPort } from './listening.ts';
import type { Sandbox } from './sandbox.ts';

/** Why there can be no real etcd here; null where there can. */
export const NO_ETCD = installed('etcd') === null ? 'etcd is not installed (Debian: etcd-server)' : null;

/** A member of a cluster of etcd, on 127.0.0.1. */
export interface EtcdMember {
  /** Where it answers clients. */
  readonly port: number;
  /** Kills it, as a machine does that goes down. */
  kill(): Promise<void>;
  /** Has it stand still, with all its lines open, until it is started or killed. */
  freeze(): void;
  /** Starts it anew, with its data; or lets it go on. */
  start(): void;
}

/** A cluster of etcd of three members. */
export interface EtcdServers {
  readonly members: readonly [EtcdMember, EtcdMember, EtcdMember];
  /** Waits until most of them agree on who leads. */
  ready(): Promise<void>;
  /** Which of them leads. */
  leader(): Promise<EtcdMember>;
  close(): Promise<void>;
}

// A lease is no shorter than one and a half elections, in whole seconds: with these it may be one second, and still a busy
// machine does not elect a leader all the time. Data is in the sandbox, mostly in memory.
const PACE = { 'heartbeat-interval': 50, 'election-timeout': 500 };
const TIMEOUT_MS = 600_000;

interface Place {
  name: string;
  client: number;
  peer: number;
}

/** How a server takes clients: over TLS with a key and a certificate. */
export interface EtcdServerOptions {
  tls?: { key: string; cert: string };
}

function startMember(
  sandbox: Sandbox,
  all: readonly Place[],
  own: Place,
  options: EtcdServerOptions,
): EtcdMember {
  const { tls } = options;
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${own.client}`;
  const peer = ({ peer: port }: Place) => `http://127.0.0.1:${port}`;
  const flags = {
    name: own.name,
    'data-dir': sandbox.path('etcd', own.name),
    'listen-client-urls': url,
    'advertise-client-urls': url,
    'listen-peer-urls': peer(own),
    'initial-advertise-peer-urls': peer(own),
    'initial-cluster': all.map((one) => `${one.name}=${peer(one)}`).join(','),
    'initial-cluster-state': 'new',
    logger: 'zap',
    'log-level': 'error',
    ...(tls ? { 'cert-file': tls.cert, 'key-file': tls.key } : {}),
    ...PACE,
  };
  const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
  let running: Running | null = null;
  const start = () => {
    running?.kill('SIGCONT');
    running ??= sandbox.start(installed('etcd') ?? '', args, { timeout: TIMEOUT_MS, env: sandbox.serverEnv });
  };
  const kill = async () => {
    running?.kill('SIGKILL');
    await running?.ended;
    running = null;
  };
  start();
  return { port: own.client, start, kill, freeze: () => running?.kill('SIGSTOP') };
}

async function answer(port: number, path: string, body?: string): Promise<Record<string, unknown>> {
  const init = { signal: AbortSignal.timeout(2000), ...(body === undefined ? {} : { method: 'POST', body }) };
  const response = await fetch(`http://127.0.0.1:${port}${path}`, init);
  return (await response.json()) as Record<string, unknown>;
}

/** Starts a cluster; close() it in the end. */
export async function startEtcd(sandbox: Sandbox, options: EtcdServerOptions = {}): Promise<EtcdServers> {
  const places: Place[] = [];
  for (const name of ['one', 'two', 'three'])
    places.push({ name, client: await closedPort(), peer: await closedPort() });
  const started = places.map((place) => startMember(sandbox, places, place, options));
  const members = started as [EtcdMember, EtcdMember, EtcdMember];
  const leads = async (member: EtcdMember) => {
    const said = await answer(member.port, '/v3/maintenance/status', '{}').catch(() => null);
    const own = (said?.['header'] as { member_id?: string } | undefined)?.member_id;
    return own !== undefined && own === said?.['leader'];
  };
  const leader = async () => {
    for (const member of members) if (await leads(member)) return member;
    throw new Error('nobody leads');
  };
  const ready = async () => {
    // It says so when it has asked the others.
    const isWell = async ({ port }: EtcdMember) =>
      (await answer(port, '/health').catch(() => null))?.['health'];
    const missing = await untilNothing(async () => {
      const well = await Promise.all(members.map(isWell));
      return well.filter((one) => one === 'true').length >= 2 ? [] : ['most members'];
    }, 60_000);
    if (missing.length > 0) throw new Error('etcd does not start');
  };
  const close = async () => {
    await Promise.all(members.map((member) => member.kill()));
  };
  return { members, ready, leader, close };
}
