import { readRemotes } from '../config/remotes.ts';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import { runPatiently, type Talked } from '../git/patient.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { fetchThroughGam } from '../git/through-gam.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';

/** How a remote is talked to. */
export interface ServerOptions {
  run: RunOptions;
  /** The name of a remote. */
  remote: string;
  /** For so long it may be silent, in milliseconds; null where somebody sits at the terminal, and may be asked for a password. */
  patienceMs: number | null;
}

async function talk(args: readonly string[], { run, patienceMs }: ServerOptions): Promise<Talked> {
  if (patienceMs !== null) return runPatiently(args, run, patienceMs);
  return { ...(await runGit(args, { ...run, talks: 'asking' })), silent: false };
}

/** What is said of a remote that did not answer. */
function unreachable({ remote, patienceMs }: ServerOptions, { stderr, silent }: Talked): GamError {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines.at(-1) ?? 'no answer';
  const words = silent ? `no answer for ${(patienceMs ?? 0) / 1000} s` : line.replace(/^\w+: /, '');
  return new GamError(
    'remote-unreachable',
    `${printable(remote)} cannot be reached: ${printable(redactText(words.trim()))}`,
    { suggestion: `see git ls-remote ${printable(remote)}` },
  );
}

/**
 * Where a branch stands at the remote; null where there is none.
 * @param ref in full
 * @throws GamError `remote-unreachable`
 */
export async function remoteTip(ref: string, options: ServerOptions): Promise<string | null> {
  const asked = await talk(['ls-remote', '--', options.remote, ref], options);
  if (asked.status !== 0) throw unreachable(options, asked);
  // The pattern matches the ends of longer names, too.
  const line = asked.stdout.split('\n').find((one) => one.endsWith(`\t${ref}`));
  return line?.split('\t')[0] ?? null;
}

/**
 * Brings a branch of the remote here: through its mirrors, if there are any; remote-tracking refs follow as git has it.
 *
 * @param isRehearsal whether no ref is to change
 * @throws GamError `remote-unreachable`
 */
export async function fetchBranch(ref: string, isRehearsal: boolean, options: ServerOptions): Promise<void> {
  const { run, remote } = options;
  const flags = isRehearsal ? ['--dry-run'] : [];
  const words = ['--progress', '--no-recurse-submodules', ...flags, '--', remote, ref];
  const entries = await readConfig(run);
  const isNamed = readRemotes(entries).some(({ name }) => name === remote);
  const args = isNamed ? fetchThroughGam(words, entries, run.cwd ?? '.') : ['fetch', ...words];
  const fetched = await talk(args, options);
  if (fetched.status !== 0) throw unreachable(options, fetched);
}

/** What became of a push. */
export type PushedTip = 'taken' | { refused: string };

/**
 * Pushes a commit to a branch of the remote; only forward, as git has it.
 * @throws GamError `remote-unreachable`
 */
export async function pushTip(oid: string, ref: string, options: ServerOptions): Promise<PushedTip> {
  const words = ['push', '--porcelain', '--progress', '--no-follow-tags', '--no-recurse-submodules'];
  const pushed = await talk([...words, '--', options.remote, `${oid}:${ref}`], options);
  if (pushed.status === 0) return 'taken';
  const told = /^!\t[^\t]*\t(.*)$/m.exec(pushed.stdout)?.[1];
  if (told !== undefined) return { refused: printable(redactText(told)) };
  throw unreachable(options, pushed);
}
