import { GamError } from '../errors.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import type { Environment } from './environment.ts';
import { type Exit, endProcess, startProcess } from './process.ts';
import { gitOutput, type RunOptions } from './run.ts';

/** A ref, and what it is to be; null where there is to be none. */
export interface RefSwap {
  ref: string;
  /** What it must be for the swap to happen; null where there must be none. */
  old: string | null;
  new: string | null;
}

/** Says to the hook that guards a member's refs that this is not somebody's local command (replica/hook-scripts.ts). */
export const MOVES: Environment = { GAM_REPLICA_MOVES: '1' };

/** Refs that are locked, and were found to be what they must be; nothing has changed yet. */
export interface PreparedSwap {
  /**
   * Moves all of them.
   * @throws GamError `git-failed`
   */
  commit(): Promise<void>;
  /** Leaves all of them as they are. */
  abort(): Promise<void>;
}

function command({ ref, old, new: to }: RefSwap): string {
  if (to === null) return `delete ${ref}\0${old ?? ''}\0`;
  // An empty old id is "whatever it is", and zeros are "none" (git-update-ref(1)).
  return old === null ? `create ${ref}\0${to}\0` : `update ${ref}\0${to}\0${old}\0`;
}

function verification({ ref, old }: RefSwap): string {
  return `verify ${ref}\0${old ?? ''}\0`;
}

/**
 * For so long git waits for another git that is at the same ref, or at packed-refs, which every deletion rewrites (git-config(1),
 * core.filesRefLockTimeout and core.packedRefsTimeout); in milliseconds. Pushes to a busy arbiter meet there.
 */
const PATIENTLY = ['-c', 'core.filesRefLockTimeout=1000', '-c', 'core.packedRefsTimeout=3000'];

/** The last words of git, fit to be told. */
function wordsOf(text: string): string {
  const lines = text.trim().split('\n');
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines.at(-1) ?? '';
  return printable(redactText(line.replace(/^(?:fatal|error): (?:(?:prepare|commit): )?/, '')));
}

/** Longer it takes for no number of refs; a git that stands still would hold a push, and its locks, for ever. */
const LONGEST_MS = 120_000;

interface Conversation {
  /** Whether git is prepared; false once it has ended. */
  prepared: Promise<boolean>;
  /** Its last word: what it is to do, and how it ended. */
  end(word: 'commit' | 'abort'): Promise<Exit>;
  words(): string;
}

/** Where refs are swapped. */
export interface SwapOptions extends RunOptions {
  /** True where the only `reference-transaction` hook (githooks(5)) is gam's, which has no word on these swaps: git starts none then. */
  isUnhooked?: boolean;
}

/** What gam keeps for itself is no matter of a repository's hooks, either, each of which would be started twice. */
const UNHOOKED = ['-c', 'core.hooksPath=/dev/null'];

function converse(
  swaps: readonly RefSwap[],
  commands: string[],
  { cwd, env, isUnhooked = false }: SwapOptions,
): Conversation {
  const hooks = isUnhooked || swaps.every(({ ref }) => ref.startsWith('refs/gam/')) ? UNHOOKED : [];
  const args = [...PATIENTLY, ...hooks, 'update-ref', '-m', 'push', '--stdin', '-z'];
  const { child, exit } = startProcess('git', args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...env, ...MOVES },
    stdio: 'pipe',
  });
  let complaint = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const limit = setTimeout(() => endProcess(child), LONGEST_MS);
  const prepared = new Promise<boolean>((resolve, reject) => {
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('prepare: ok')) resolve(true);
    });
    exit.then(() => resolve(false), reject).finally(() => clearTimeout(limit));
  });
  // Where git ends early, its words tell why.
  child.stdin?.on('error', () => undefined);
  child.stdin?.write(`start\0${commands.join('')}prepare\0`);
  return {
    prepared,
    end: (word) => {
      limit.refresh();
      child.stdin?.end(`${word}\0`);
      return exit;
    },
    words: () => wordsOf(complaint) || 'git update-ref was ended',
  };
}

// What is not there need not be deleted.
const isChange = (swap: RefSwap) => swap.old !== null || swap.new !== null;

/**
 * Locks refs for a swap: all of them, or none (git-update-ref(1), --stdin, `prepare`). Whoever ends, however, has not moved them.
 *
 * Refs that are to be deleted are only held, and deleted behind the commit: git would hold packed-refs all the while, and the state
 * of the group, which stands in the same repository where this one is the arbiter, could not be deleted between.
 *
 * @returns git's words where one of them is not what it must be, or cannot be locked
 * @throws GamError `git-missing`
 */
export async function prepareSwap(
  swaps: readonly RefSwap[],
  options: SwapOptions,
): Promise<PreparedSwap | string> {
  const real = swaps.filter(isChange);
  const gone = real.filter((swap) => swap.new === null);
  const commands = real.map((swap) => (swap.new === null ? verification(swap) : command(swap)));
  const git = converse(real, commands, options);
  if (!(await git.prepared)) return git.words();
  return {
    commit: async () => {
      const { status } = await git.end('commit');
      if (status !== 0) throw new GamError('git-failed', `git update-ref failed: ${git.words()}`);
      const words = gone.length === 0 ? null : await swapRefs(gone, options);
      if (words !== null) throw new GamError('git-failed', `git update-ref failed: ${words}`);
    },
    abort: async () => void (await git.end('abort')),
  };
}

/**
 * Swaps refs of this repository: all of them, or none.
 * @returns git's words where it did not happen
 * @throws GamError `git-failed` where git was killed, and nobody knows; `git-missing`
 */
export async function swapRefs(swaps: readonly RefSwap[], options: SwapOptions): Promise<string | null> {
  const real = swaps.filter(isChange);
  const git = converse(real, real.map(command), options);
  // At once: git holds packed-refs from `prepare` to here, and on a busy machine this process may not be there in time to let it go on,
  // while fifty others wait for that lock.
  const ended = git.end('commit');
  if (!(await git.prepared)) return git.words();
  const { status } = await ended;
  if (status !== 0) throw new GamError('git-failed', `git update-ref failed: ${git.words()}`);
  return null;
}

/** A ref, and the text that it names where it is one of gam's own records. */
export interface StoredRef {
  oid: string;
  text: string | null;
}

/** Longer ones are no records. */
const LONGEST_RECORD = 8 * 1024 * 1024;

async function readTexts(oids: readonly string[], options: RunOptions): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  if (oids.length === 0) return texts;
  const input = `${oids.join('\n')}\n`;
  const out = Buffer.from(await gitOutput(['cat-file', '--batch', '--buffer'], { ...options, input }));
  for (let at = 0; at < out.length; ) {
    const end = out.indexOf(0x0a, at);
    const [oid = '', type, size] = out.toString('latin1', at, end).split(' ');
    if (size === undefined) {
      at = end + 1;
      continue;
    }
    const next = end + 1 + Number(size);
    if (type === 'blob' && Number(size) <= LONGEST_RECORD)
      texts.set(oid, out.toString('utf8', end + 1, next));
    at = next + 1;
  }
  return texts;
}

/**
 * The refs of this repository whose names begin so, or are so; blobs with their texts.
 */
export async function storedRefs(
  prefixes: readonly string[],
  options: RunOptions,
): Promise<Map<string, StoredRef>> {
  const format = '--format=%(objecttype) %(objectname) %(refname)';
  const patterns = prefixes.map((prefix) => prefix.replace(/\/$/, ''));
  const listed = await gitOutput(['for-each-ref', format, ...patterns], options);
  const lines = listed.split('\n').filter((line) => line !== '');
  const refs = lines.map((line) => {
    const [type = '', oid = '', ...name] = line.split(' ');
    return { type, oid, name: name.join(' ') };
  });
  const blobs = refs.filter(({ type }) => type === 'blob').map(({ oid }) => oid);
  const texts = await readTexts([...new Set(blobs)], options);
  return new Map(refs.map(({ oid, name }) => [name, { oid, text: texts.get(oid) ?? null }]));
}

/** Makes a text an object, for a ref to name. */
export async function writeText(text: string, options: RunOptions): Promise<string> {
  return (await gitOutput(['hash-object', '-w', '--stdin'], { ...options, input: text })).trim();
}
