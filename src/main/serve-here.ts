/** What an interrupted command ends with. */
const INTERRUPTED = 130;

/** What can be told to stop, and to stop at once. */
export interface Stoppable {
  stop(): Promise<void>;
  end(): void;
}

/**
 * Lets a server run until a signal comes. The first has it stop when running requests have ended; a second ends them.
 *
 * @returns the exit status: 130 for Ctrl-C, 0 for the signals by which a service is stopped in order
 */
export async function untilStopped(server: Stoppable): Promise<number> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let status: number | null = null;
  return new Promise((resolve, reject) => {
    const heard = (signal: NodeJS.Signals) => {
      if (status !== null) return server.end();
      status = signal === 'SIGINT' ? INTERRUPTED : 0;
      const ended = () => {
        for (const name of signals) process.off(name, heard);
      };
      server
        .stop()
        .then(() => resolve(status ?? 0), reject)
        .finally(ended);
    };
    for (const name of signals) process.on(name, heard);
  });
}
