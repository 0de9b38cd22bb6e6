/** What an interrupted command ends with. */
const INTERRUPTED = 130;

/** What can be told to stop, and to stop at once. */
export interface Stoppable {
  /** How many requests it would wait for. */
  readonly running: number;
  stop(): Promise<void>;
  end(): void;
}

/**
 * Lets a server run until a signal comes. The first has it stop when running requests have ended; a second ends them.
 *
 * @param tell takes a line for whoever waits for that
 * @returns the exit status: 130 for Ctrl-C, 0 for the signals by which a service is stopped in order
 */
export async function untilStopped(server: Stoppable, tell: (line: string) => void): Promise<number> {
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let status: number | null = null;
  return new Promise((resolve, reject) => {
    const heard = (signal: NodeJS.Signals) => {
      if (status !== null) return server.end();
      status = signal === 'SIGINT' ? INTERRUPTED : 0;
      const { running } = server;
      if (running > 0)
        tell(
          `stopping when ${running === 1 ? '1 request has' : `${running} requests have`} been answered; a second signal ends ${running === 1 ? 'it' : 'them'}`,
        );
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
