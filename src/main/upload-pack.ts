import { constants } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { processesEnded } from '../git/process.ts';
import { uploadPack } from '../server/upload-pack.ts';
import { keepStandardError } from './keep-standard-error.ts';

/** How long git may take to end after a signal before this process goes without it. */
const LAST_MS = 3000;

/**
 * Runs `gam upload-pack` in this process, and ends it with git's exit status.
 * @param words what stands behind `upload-pack`
 */
export async function uploadPackHere(words: readonly string[]): Promise<never> {
  // What passes through lives for a moment only; see git-remote-mirror.ts.
  setFlagsFromString('--semi-space-growth-factor=1');
  keepStandardError();
  const stop = new AbortController();
  let stopped: NodeJS.Signals | null = null;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => {
      if (stopped !== null) return;
      stopped = signal;
      stop.abort();
      setTimeout(() => process.exit(128 + constants.signals[signal]), LAST_MS).unref();
    });
  const status = await uploadPack(words, {
    env: process.env,
    cwd: process.cwd(),
    signal: stop.signal,
    streams: () => ({ input: process.stdin, output: process.stdout }),
    warn: (message) => process.stderr.write(`gam: ${message}\n`),
  });
  await processesEnded();
  process.exit(stopped === null ? status : 128 + constants.signals[stopped as NodeJS.Signals]);
}
