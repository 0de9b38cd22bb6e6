import { NO_PROMPTS } from '../git/environment.ts';
import { startProcess } from '../git/process.ts';
import { timeLimit } from '../git/time-limit.ts';
import type { SshUrl } from '../protocol/git-url.ts';
import type { Opening } from './connection.ts';
import type { Reach } from './reach.ts';
import { sshService } from './ssh.ts';

/** With this status OpenSSH ends when it failed itself; any other is that of the service (ssh(1), "EXIT STATUS"). */
const FAILED = 255;

/** Up to the server's greeting and no further: no login is tried, nothing is asked, no running connection is used. */
const OPTIONS = [
  '-v',
  ...[
    'BatchMode=yes',
    'PreferredAuthentications=none',
    'ControlPath=none',
    'ClearAllForwardings=yes',
  ].flatMap((option) => ['-o', option]),
];

/** What OpenSSH says once a server has greeted, and on what that may then refuse. Its messages are in English everywhere. */
const GREETED = /Remote protocol version|Permission denied|Host key verification failed/;

/** No line that matters is longer; in characters. */
const LONGEST_LINE = 4096;

/**
 * Whether an ssh server answers, be it with a no. Not that of the first attempt but a second one tells: to read
 * along what the first says would take the terminal from it, and a connection that it leaves behind for others
 * (`ControlPersist`) would keep that pipe open for minutes.
 *
 * @param status with which the first attempt has ended
 */
export async function sshAnswers(
  url: SshUrl,
  opening: Opening,
  status: number,
  { ms, signal }: Reach,
): Promise<boolean> {
  if (status !== FAILED) return true;
  const timeout = ['-o', `ConnectTimeout=${Math.max(1, Math.ceil(ms / 1000))}`];
  const { words, env } = await sshService(url, opening, [...OPTIONS, ...timeout]);
  const [command, ...args] = words;
  // What other programs than OpenSSH take, and say, nobody knows.
  if (!args.includes('BatchMode=yes')) return true;
  const { child } = startProcess(command, args, {
    env: { ...env, ...NO_PROMPTS },
    stdio: ['ignore', 'ignore', 'pipe'],
    signal: timeLimit(ms, signal),
  });
  let greeted = false;
  let text = '';
  for await (const chunk of child.stderr ?? []) {
    text = (text + String(chunk)).slice(-LONGEST_LINE);
    greeted ||= GREETED.test(text);
  }
  return greeted;
}
