import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseConfigList } from '../config/entries.ts';
import { processesEnded } from '../git/process.ts';
import { procReceive } from '../replica/proc-receive.ts';
import { reasonOf } from '../replica/refusals.ts';
import { openReplica, type Replica } from '../replica/replica.ts';
import { work } from '../replica/worker.ts';
import { startWorker, tidyUp } from './member-process.ts';

// What a member's proc-receive hook runs; and, as `work`, what goes on behind it.

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort());
// Whoever pushed may be gone; what was begun is done all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

/** For so long whoever pushes may leave unread what is told. */
const LONGEST_WRITE_MS = 60_000;

const gitDir = resolve(process.env['GIT_DIR'] ?? '.');
const tell = (line: string) => void process.stderr.write(`${line}\n`);
// Nobody whom this starts is to take these for his own.
const { GAM_CONFIG_FD: configFd, GAM_KEPT_PROC_RECEIVE: keptHook, ...env } = process.env;
const kept = keptHook === undefined ? null : { path: keptHook, env };
const options = { env, warn: (line: string) => tell(`gam: ${line}`) };

// The hook has git write it into a pipe while this starts (replica/hook-scripts.ts).
function openAsTold(signal: AbortSignal): Promise<Replica | null> {
  const text = configFd === undefined ? '' : readFileSync(Number(configFd), 'utf8');
  return openReplica(gitDir, {
    ...options,
    signal,
    ...(text === '' ? {} : { config: parseConfigList(text) }),
  });
}

async function hook(): Promise<number> {
  // A push goes on without members that are slow. What is still under way to them ends with it; they catch up by themselves.
  const over = new AbortController();
  const replica = await openAsTold(over.signal);
  if (replica === null) {
    tell("gam: this repository is in no group; remove gam's hooks: gam replica leave");
    return 1;
  }
  const writer = (stream: NodeJS.WriteStream) => (bytes: Buffer) =>
    new Promise<void>((done) => void stream.write(bytes, () => done()));
  const [write, pass] = [writer(process.stdout), writer(process.stderr)];
  try {
    const io = { input: process.stdin, write, tell, pass, kept, signal: stop.signal };
    const spoke = await procReceive(replica, io);
    startWorker(replica, { node: process.execPath, program: process.argv[1] ?? '' });
    tidyUp(replica, Math.random());
    return spoke ? 0 : 1;
  } finally {
    over.abort();
    await replica.idle();
  }
}

async function main(): Promise<number> {
  if (process.argv[2] !== 'work') return hook();
  // Nobody sees what it says but in the log. What is noted stays noted, so that it may be told to end at any time.
  const { signal } = stop;
  await work({
    gitDir,
    open: () => openReplica(gitDir, { ...options, signal }),
    tell: () => undefined,
    signal,
    pid: process.pid,
    mode: 'retry',
  });
  await processesEnded();
  return 0;
}

void main()
  .catch((error: unknown) => {
    tell(reasonOf(error));
    return 1;
  })
  // What is still on its way into the pipe would be lost: an answer of ten thousand refs is longer than a pipe holds. A pusher that has
  // stopped reading is waited for no longer than this.
  .then(async (status) => {
    const written = new Promise<void>((done) => void process.stderr.write('', () => done()));
    await Promise.race([written, pause(LONGEST_WRITE_MS)]);
    process.exit(status);
  });
