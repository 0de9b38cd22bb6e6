import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

/** A program that works in a sandbox of its own; `stopped` tells it that the user has had enough. */
type Work = (sandbox: Sandbox) => Promise<number>;

/**
 * Runs a program to its end, and cleans up behind it. The process ends with the status that the work returns,
 * with 1 when it fails, with 130 when it is interrupted.
 * @param clear takes off the terminal what is shown only while something is under way
 */
export async function runInterruptibly(work: Work, clear: () => void): Promise<void> {
  const sandbox = makeSandbox();
  let stopped = false;
  const interrupted = async () => {
    if (stopped) return;
    stopped = true;
    clear();
    process.stderr.write('\ninterrupted; cleaning up\n');
    await sandbox.close();
    process.exit(130);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void interrupted());
  // A reader that goes away (`| head`) must not leave the servers and the folder behind.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => void interrupted());
  try {
    process.exitCode = await work(sandbox);
  } catch (error) {
    clear();
    // The commands that an interrupt ends fail, which nobody wants to read.
    if (!stopped) console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
  if (!stopped) await sandbox.close();
}
