import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { type Environment, NO_PROMPTS } from './environment.ts';
import { startTied } from './lifeline.ts';
import { endGroup } from './process.ts';
import { runGit } from './run.ts';
import { WebTrace } from './web-trace.ts';

/** How canonical is talked to. */
export interface MirrorFetchOptions {
  /** As fetchingEnvironment() makes it. */
  env: Environment;
  /** Ends git, and all that it has started. */
  signal: AbortSignal;
  /** Milliseconds until canonical must have begun to answer. */
  connectTimeout: number;
}

/**
 * What came of it: the repository is as canonical's (`whole`); canonical has said no, by this status; it leads elsewhere;
 * or nobody knows, since it did not answer, or something else went wrong (`failed`, with one line of why).
 */
export type MirrorFetched =
  | { kind: 'whole' }
  | { kind: 'refused'; status: number }
  | { kind: 'moved'; location: string }
  | { kind: 'failed'; why: string };

/** What a server says of a repository that it does not give, or does not give us (RFC 9110, section 15.5). */
const REFUSALS = new Set([401, 403, 404, 410]);

/** Everything that canonical has, as git clone --mirror has it. */
const REFSPEC = '+refs/*:refs/*';

/** What each mirror repository is configured with: partial clones, and commits by their id, as large hosts serve them. */
const SERVING: readonly string[] = [
  'uploadpack.allowFilter=true',
  'uploadpack.allowAnySHA1InWant=true',
  // What clients of gam have staged there is nobody else's.
  'transfer.hideRefs=refs/mirror',
  'core.hooksPath=/dev/null',
];

// git comes back with a redirect, which is looked at before it is followed; says once more for the very URL, since a
// setting of the server's own with a scope would count more. Whoever sends nothing for five minutes has gone.
function settingsFor(url: string): string[] {
  return [
    'http.followRedirects=false',
    `http.${url}.followRedirects=false`,
    'http.lowSpeedLimit=1',
    'http.lowSpeedTime=300',
    'gc.auto=0',
    'maintenance.auto=false',
    'core.hooksPath=/dev/null',
  ].flatMap((setting) => ['-c', setting]);
}

/**
 * The environment in which canonical is talked to: the server's own, with all of its git configuration, but nobody is asked
 * for anything, and a gam on the way there does not go to mirrors, of which this one might be the first.
 * @param env as servingEnvironment() makes it
 */
export function fetchingEnvironment(env: Environment): Environment {
  return {
    ...env,
    ...NO_PROMPTS,
    GAM_DISABLE: '1',
    GIT_TRACE_CURL: '2',
    GIT_TRACE_CURL_NO_DATA: '1',
    GIT_HTTP_LOW_SPEED_LIMIT: undefined,
    GIT_HTTP_LOW_SPEED_TIME: undefined,
  };
}

async function talk(
  url: string,
  args: readonly string[],
  { env, signal, connectTimeout }: MirrorFetchOptions,
): Promise<MirrorFetched> {
  if (signal.aborted) return { kind: 'failed', why: 'the server is stopping' };
  const { child, exit } = startTied('git', [...settingsFor(url), ...args], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let why: string | null = null;
  const end = (reason: string) => {
    if (why === null) endGroup(child, exit);
    why ??= reason;
  };
  const timer = setTimeout(() => end(`no answer within ${connectTimeout} ms`), connectTimeout);
  const stop = () => end('the server is stopping');
  signal.addEventListener('abort', stop, { once: true });
  const trace = new WebTrace(() => clearTimeout(timer));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => trace.add(text));
  try {
    const { status } = await exit;
    if (status === 0) return { kind: 'whole' };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
  if (why !== null) return { kind: 'failed', why };
  if (trace.location !== null) return { kind: 'moved', location: trace.location };
  if (trace.status !== null && REFUSALS.has(trace.status)) return { kind: 'refused', status: trace.status };
  return { kind: 'failed', why: printable(redactText(trace.words)) || 'git does not say why' };
}

/**
 * Makes a bare repository that has all of canonical's refs, its HEAD and its object format, and that no hook runs in.
 *
 * @param folder must not be there yet; what is in it after a failure is the caller's to remove
 */
export async function cloneMirror(
  url: string,
  folder: string,
  options: MirrorFetchOptions,
): Promise<MirrorFetched> {
  const settings = SERVING.flatMap((setting) => ['-c', setting]);
  // --origin, which says so, too, goes with --mirror since git 2.29 only.
  const named = ['-c', 'clone.defaultRemoteName=origin'];
  const args = [...named, 'clone', '--mirror', '--template=', ...settings];
  return talk(url, [...args, '--', url, folder], options);
}

// `ref: refs/heads/main<TAB>HEAD` (git-ls-remote(1), --symref).
async function headOf(url: string, { env, signal }: MirrorFetchOptions): Promise<string | null> {
  const args = [...settingsFor(url), 'ls-remote', '--symref', '--', url, 'HEAD'];
  const { stdout } = await runGit(args, { env, signal, talks: 'alone' });
  return /^ref: (refs\/\S+)\tHEAD$/m.exec(stdout)?.[1] ?? null;
}

async function followHead(gitDir: string, head: string | null, env: Environment): Promise<void> {
  const now = await readFile(join(gitDir, 'HEAD'), 'utf8').catch(() => '');
  if (head === null || now.trim() === `ref: ${head}`) return;
  await runGit(['-C', gitDir, 'symbolic-ref', 'HEAD', head], { env });
}

/** Brings a mirror repository to where canonical is: what is new comes, what is gone goes, HEAD follows. */
export async function refreshMirror(
  url: string,
  gitDir: string,
  options: MirrorFetchOptions,
): Promise<MirrorFetched> {
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  // Side by side, since one round trip after the other is what clients wait for.
  const head = headOf(url, { ...options, signal });
  const args = ['-C', gitDir, 'fetch', '--prune', '--no-tags', '--no-recurse-submodules'];
  const fetched = await talk(url, [...args, '--', url, REFSPEC], options);
  if (fetched.kind !== 'whole') stop.abort();
  const timer = setTimeout(() => stop.abort(), options.connectTimeout);
  const found = await head;
  clearTimeout(timer);
  if (fetched.kind === 'whole') await followHead(gitDir, found, options.env);
  return fetched;
}

/** Has git tidy up a repository, if git finds it is time. */
export async function tidyMirror(gitDir: string, env: Environment, signal: AbortSignal): Promise<void> {
  await runGit(['-C', gitDir, '-c', 'gc.autoDetach=false', 'gc', '--auto', '--quiet'], { env, signal });
}

/** Takes away the locks that a git has left in a repository when it was killed; none may be at work there. */
export async function removeStaleLocks(gitDir: string): Promise<void> {
  const top = ['HEAD.lock', 'config.lock', 'packed-refs.lock', 'shallow.lock', 'gc.pid', 'gc.pid.lock'];
  // No ref ends in .lock (git-check-ref-format(1)).
  const below = await readdir(join(gitDir, 'refs'), { recursive: true }).catch(() => []);
  const locks = [...top, ...below.filter((name) => name.endsWith('.lock')).map((name) => join('refs', name))];
  await Promise.all(locks.map((name) => rm(join(gitDir, name), { force: true })));
}
