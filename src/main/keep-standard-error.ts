import { Writable } from 'node:stream';
import { writeStandardError } from '../remote-helper/standard-error.ts';

/**
 * Has node leave standard error as it is. It makes a pipe non-blocking as soon as someone looks at process.stderr, which it
 * does itself whenever a socket closes (lib/net.js); and that pipe is git's, too. Behind `git clone 2>&1 | slow-reader`,
 * what git and gam say while it is full would be lost.
 */
export function keepStandardError(): void {
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      writeStandardError(chunk, 'message');
      done();
    },
  });
  Object.defineProperty(process, 'stderr', { configurable: true, value: stream });
}
