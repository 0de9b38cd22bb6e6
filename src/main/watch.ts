import { setTimeout as pause } from 'node:timers/promises';
import { GamError } from '../errors.ts';

/** How often the screen is drawn anew, in milliseconds; what watch(1) does, too. */
const EVERY = 2000;

/** Back to the first column of the first line, and nothing below. */
const CLEAR = '\u001b[H\u001b[2J';

/**
 * Draws lines on the terminal, again and again, until Ctrl-C. That is the only way to end it, and therefore no
 * failure: it returns.
 * @throws GamError `usage` where standard output is no terminal
 */
export async function watch(draw: () => Promise<readonly string[]>): Promise<void> {
  if (!process.stdout.isTTY)
    throw new GamError('usage', '--watch needs a terminal', { suggestion: 'leave it out, or use --json' });
  const stop = new AbortController();
  const { signal } = stop;
  const end = () => stop.abort();
  process.on('SIGINT', end);
  try {
    while (!signal.aborted) {
      const lines = await draw();
      process.stdout.write(`${CLEAR}${lines.join('\n')}\n`);
      await pause(EVERY, undefined, { signal });
    }
  } catch (error) {
    // Ctrl-C reaches the git that is being asked as well, which then fails.
    if (!signal.aborted) throw error;
  } finally {
    process.off('SIGINT', end);
  }
}
