import { allValues, type ConfigEntry, lastValue } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { GamError } from '../errors.ts';
import { readConfig } from '../git/config.ts';
import { runPatiently, type Talked } from '../git/patient.ts';
import { type RunOptions, runGit } from '../git/run.ts';
import { reasonIn, remoteWords } from '../git/said.ts';
import { fetchThroughGam } from '../git/through-gam.ts';
import { redactText } from '../protocol/redact.ts';
import { storedAs } from '../protocol/refspec.ts';
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
  const env = { ...run.env, LC_ALL: 'C' };
  return { ...(await runGit(args, { ...run, env, talks: 'asking' })), silent: false };
}

/**
 * What is said of a remote with which something did not come about.
 * @param what as `cannot be reached`
 * @param see a command that tells more
 */
function failed(
  what: string,
  see: string,
  { remote, patienceMs }: ServerOptions,
  { stderr, silent }: Talked,
): GamError {
  const words = silent ? `no answer for ${(patienceMs ?? 0) / 1000} s` : reasonIn(stderr);
  return new GamError('remote-unreachable', `${printable(remote)} ${what}: ${words}`, {
    suggestion: `nothing was changed here; see git ${see} ${printable(remote)}`,
  });
}

/**
 * Where a branch stands at the remote; null where there is none.
 * @param ref in full
 * @throws GamError `remote-unreachable`
 */
export async function remoteTip(ref: string, options: ServerOptions): Promise<string | null> {
  const { echo: _silently, ...run } = options.run;
  const asked = await talk(['ls-remote', '--', options.remote, ref], { ...options, run });
  if (asked.status !== 0) throw failed('cannot be reached', 'ls-remote', options, asked);
  // The pattern matches the ends of longer names, too.
  const line = asked.stdout.split('\n').find((one) => one.endsWith(`\t${ref}`));
  return line?.split('\t')[0] ?? null;
}

/** The refs here in which a fetch stores one of the remote. */
function trackingRefs(ref: string, remote: string, entries: readonly ConfigEntry[]): string[] {
  return storedAs(ref, allValues(entries, 'remote', remote, 'fetch'));
}

/** Whether the remote-tracking ref, if there is to be one, is where the remote is. */
export async function isTracked(
  ref: string,
  there: string,
  { run, remote }: ServerOptions,
): Promise<boolean> {
  for (const name of trackingRefs(ref, remote, await readConfig(run))) {
    if (name.startsWith('refs/heads/')) continue;
    const { stdout } = await runGit(['rev-parse', '--verify', '--quiet', name], run);
    if (stdout.trim() !== there) return false;
  }
  return true;
}

/**
 * Brings a branch of the remote here: through its mirrors, if there are any; remote-tracking refs follow as git has it. Branches here do not: in
 * a clone that was made by `git clone --mirror`, git would set them to what the remote has, and drop what was committed here.
 *
 * @param isRehearsal whether no ref is to change
 * @throws GamError `remote-unreachable`
 */
export async function fetchBranch(ref: string, isRehearsal: boolean, options: ServerOptions): Promise<void> {
  const { run, remote } = options;
  const entries = await readConfig(run);
  const isOurs = trackingRefs(ref, remote, entries).some((name) => name.startsWith('refs/heads/'));
  const flags = [...(isRehearsal ? ['--dry-run'] : []), ...(isOurs ? ['--refmap='] : [])];
  const words = ['--progress', '--no-recurse-submodules', ...flags, '--', remote, ref];
  const isNamed = readRemotes(entries).some(({ name }) => name === remote);
  const args = isNamed ? fetchThroughGam(words, entries, run.cwd ?? '.') : ['fetch', ...words];
  const fetched = await talk(args, options);
  if (fetched.status !== 0) throw failed('could not be fetched from', 'fetch', options, fetched);
}

/** What became of a push; what keeps it off may pass, as when another one holds the ref's lock at this moment. */
export type PushedTip = 'taken' | { refused: string; mayPass: boolean };

// What receive-pack says where it does not get a ref, or finds it elsewhere (refs/files-backend.c, builtin/receive-pack.c), and
// git push where it saw that the ref had moved.
const MAY_PASS =
  /\b(?:lock|failed to update ref|incorrect old value|expected|stale info|fetch first|non-fast-forward|reference already exists)\b/;

/**
 * Pushes a commit to a branch of the remote, where that is still at the one that was found there; only forward.
 *
 * @param there null where there was none
 * @throws GamError `remote-unreachable`
 */
export async function pushTip(
  oid: string,
  there: string | null,
  ref: string,
  options: ServerOptions,
): Promise<PushedTip> {
  const { run, remote } = options;
  const entries = await readConfig(run);
  // What is pushed leads to what was found, so that a lease forces nothing: it keeps a branch that somebody has removed, or set back,
  // from coming back. Where pushes go elsewhere (remote.<name>.pushUrl), that may be behind.
  const isElsewhere = lastValue(entries, 'remote', remote, 'pushurl') !== undefined;
  const lease = isElsewhere ? [] : [`--force-with-lease=${ref}:${there ?? ''}`];
  // A mirror (git clone --mirror) is pushed to as a whole, with force, and git takes no single branch for it.
  const isMirror = lastValue(entries, 'remote', remote, 'mirror') !== undefined && !remote.includes('=');
  const single = isMirror ? ['-c', `remote.${remote}.mirror=false`] : [];
  const words = ['push', '--porcelain', '--progress', '--no-follow-tags', '--no-recurse-submodules'];
  const args = [...single, ...words, ...lease, '--', remote, `${oid}:${ref}`];
  const pushed = await talk(args, options);
  if (pushed.status === 0) return 'taken';
  const told = /^!\t[^\t]*\t(.*)$/m.exec(pushed.stdout)?.[1];
  if (told === undefined) throw failed('could not be pushed to', 'push --dry-run', options, pushed);
  const reason = printable(redactText(/\((.*)\)$/.exec(told)?.[1] ?? told));
  const theirs = remoteWords(pushed.stderr);
  return { refused: theirs === null ? reason : `${reason}: ${theirs}`, mayPass: MAY_PASS.test(told) };
}
