import type { Readable, Writable } from 'node:stream';
import type { Environment } from '../git/environment.ts';
import { endProcess, startProcess } from '../git/process.ts';
import type { Connection, Opening } from './connection.ts';

/** Starts a process whose standard input and output are the line to a service. */
export function processConnection(
  command: string,
  args: readonly string[],
  env: Environment,
  opening: Pick<Opening, 'stderr' | 'signal'>,
): Connection {
  const { child, exit } = startProcess(command, args, {
    env,
    stdio: ['pipe', 'pipe', opening.stderr],
    ...(opening.signal === undefined ? {} : { signal: opening.signal }),
  });
  // A service that ends before it has read everything breaks the pipe; how it ends tells why.
  child.stdin?.on('error', () => undefined);
  return {
    output: child.stdout as Readable,
    input: child.stdin as Writable,
    stateless: false,
    exit,
    stderr: child.stderr,
    close: () => endProcess(child),
    leave: null,
  };
}
