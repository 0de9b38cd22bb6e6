import { constants } from 'node:os';
import { processesEnded } from '../git/process.ts';

/**
 * Runs something that SIGINT and SIGTERM end, with its children; the exit status then says so.
 * @returns null when one did
 */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T | null> {
  const stop = new AbortController();
  const end = (name: NodeJS.Signals) => {
    process.exitCode = 128 + constants.signals[name];
    stop.abort();
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.on(name, end);
  try {
    return await work(stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    return null;
  } finally {
    await processesEnded();
    for (const name of names) process.off(name, end);
  }
}
