import { resolve } from 'node:path';
import { procReceive } from '../replica/proc-receive.ts';
import { openReplica } from '../replica/replica.ts';
import { reasonOf } from '../replica/transaction.ts';
import { work } from '../replica/worker.ts';
import { startWorker } from './member-process.ts';

// What a member's proc-receive hook runs; and, as `work`, what goes on behind it.

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
// Whoever pushed may be gone; what was begun is done all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const gitDir = resolve(process.env['GIT_DIR'] ?? '.');
const tell = (line: string) => void process.stderr.write(`${line}\n`);
const open = (signal: AbortSignal) =>
  openReplica(gitDir, { env: process.env, warn: (line) => tell(`gam: ${line}`), signal });

async function hook(): Promise<number> {
  // A push goes on without members that are slow. What is still under way to them ends with it; they catch up by themselves.
  const over = new AbortController();
  const replica = await open(over.signal);
  if (replica === null) {
    tell("gam: this repository is in no group; remove gam's hooks: gam replica leave");
    return 1;
  }
  const write = (bytes: Buffer) =>
    new Promise<void>((done) => void process.stdout.write(bytes, () => done()));
  try {
    const spoke = await procReceive(replica, { input: process.stdin, write, tell, signal: stop.signal });
    startWorker(replica, { node: process.execPath, program: process.argv[1] ?? '' });
    return spoke ? 0 : 1;
  } finally {
    over.abort();
    await replica.idle();
  }
}

async function main(): Promise<number> {
  if (process.argv[2] !== 'work') return hook();
  await work({ open: () => open(stop.signal), tell: () => undefined, signal: stop.signal, pid: process.pid });
  return 0;
}

void main()
  .catch((error: unknown) => {
    tell(reasonOf(error));
    return 1;
  })
  .then((status) => process.exit(status));
