import { GamError } from '../errors.ts';
import { redactText, redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { push, unreachable } from './push-request.ts';
import { type RunOptions, runGit } from './run.ts';
import type { RefSwap } from './swap-refs.ts';
import { timeLimit } from './time-limit.ts';

/** A push takes refs as arguments, and systems take some hundred KB of these. */
const MOST_AT_ONCE = 200;

/**
 * The refs of a repository elsewhere, HEAD and what tags lead to not among them: object ids by name.
 *
 * @param patienceMs for so long it may take
 * @throws GamError `member-unreachable`
 */
export async function listHostedRefs(
  url: string,
  options: RunOptions,
  patienceMs: number,
): Promise<Map<string, string>> {
  const signal = timeLimit(patienceMs, options.signal);
  const env = { ...options.env, LC_ALL: 'C' };
  const asked = ['ls-remote', '--quiet', '--refs', '--', url];
  const { status, stdout, stderr } = await runGit(asked, { ...options, env, signal, talks: 'alone' });
  if (status === 0) {
    const lines = stdout.split('\n').filter((line) => line.includes('\t'));
    return new Map(lines.map((line) => line.split('\t').toReversed() as [string, string]));
  }
  const lines = stderr.trim().split('\n');
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines.at(-1) ?? '';
  const words = signal.aborted ? `no answer for ${patienceMs / 1000} s` : line.replace(/^\w+: /, '');
  const shown = redactUrl(url);
  throw new GamError(
    'member-unreachable',
    `${shown} cannot be reached: ${printable(redactText(words.trim()))}`,
    {
      url: shown,
      suggestion: `see git ls-remote ${shown}`,
    },
  );
}

// What --porcelain says of each ref: <flag> TAB <from>:<to> TAB <summary> (<reason>) (git-push(1), "OUTPUT").
function reported(stdout: string): Map<string, string | null> {
  const all = stdout.matchAll(/^(.)\t[^\t]*:([^\t:]+)\t(.*)$/gm);
  return new Map(
    [...all].map(([, flag, ref = '', words = '']) => [
      ref,
      flag === '!' ? printable(redactText(words)) : null,
    ]),
  );
}

async function pushSome(
  url: string,
  swaps: readonly RefSwap[],
  options: RunOptions,
  patienceMs: number,
): Promise<Map<string, string | null>> {
  // No lease is weaker for being of a ref that must not be there: its expected value is empty (git-push(1), --force-with-lease).
  const leases = swaps.map(({ ref, old }) => `--force-with-lease=${ref}:${old ?? ''}`);
  const specs = swaps.map(({ ref, new: to }) => `${to ?? ''}:${ref}`);
  const pushed = await push([...leases, '--', url, ...specs], options, patienceMs);
  const reports = reported(pushed.stdout);
  if (reports.size === 0 && pushed.status !== 0) throw unreachable(url, pushed, patienceMs);
  return new Map(
    swaps.map(({ ref }) => {
      const report = reports.get(ref);
      return [ref, report === undefined ? 'nothing was said of it' : report];
    }),
  );
}

/**
 * Moves refs of a repository elsewhere, each only if it is what the swap says (git-push(1), --force-with-lease): a plain push, that
 * needs nothing of gam over there.
 *
 * @param patienceMs for so long the other side may be silent
 * @returns for each ref null where it has moved, and else git's words
 * @throws GamError `member-unreachable`
 */
export async function pushHostedRefs(
  url: string,
  swaps: readonly RefSwap[],
  options: RunOptions,
  patienceMs: number,
): Promise<Map<string, string | null>> {
  const all = new Map<string, string | null>();
  for (let at = 0; at < swaps.length; at += MOST_AT_ONCE) {
    const some = await pushSome(url, swaps.slice(at, at + MOST_AT_ONCE), options, patienceMs);
    for (const [ref, words] of some) all.set(ref, words);
  }
  return all;
}
