import { GamError } from '../errors.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';
import { redactText, redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { type RunOptions, type RunResult, runGit } from './run.ts';
import { type SideRefs, withSideRefs } from './side-refs.ts';

/** A ref of another repository, and what it is to be; null where there is to be none. */
export interface RefSwap {
  ref: string;
  /** What it must be for the swap to happen; null where there must be none. */
  old: string | null;
  new: string | null;
}

/** How refs of another repository are swapped. */
export interface SwapOptions extends RunOptions {
  /** Goes with the push (git-push(1), --push-option): hooks there read it. */
  pushOptions?: readonly string[];
}

/** A push takes refs as arguments only, and systems take some hundred KB of these; beyond so many refs they go by patterns. */
const MOST_ARGUMENTS = 500;

/** Nothing but these refs travels, no hook of this side has a say, and no maintenance runs behind it. */
const PLAINLY = [
  ...['-c', 'gc.auto=0', '-c', 'maintenance.auto=false', '-c', 'push.gpgSign=false'],
  ...['push', '--porcelain', '--atomic', '--no-verify', '--no-follow-tags', '--no-recurse-submodules'],
];

function failed(url: string, result: RunResult): GamError {
  const lines = result.stderr.trim().split('\n');
  const line = lines.find((one) => /^(?:fatal|error|remote): /.test(one)) ?? lines.at(-1) ?? '';
  const shown = redactUrl(url);
  const why = printable(redactText(line.replace(/^(?:fatal|error): /, '')));
  return new GamError('member-unreachable', `${shown} cannot be reached: ${why}`, {
    url: shown,
    suggestion: `see git ls-remote ${shown}`,
  });
}

/**
 * The refs of another repository whose names begin so.
 * @returns object ids by name
 * @throws GamError `member-unreachable`
 */
export async function listRefs(
  url: string,
  prefixes: readonly string[],
  options: RunOptions,
): Promise<Map<string, string>> {
  const patterns = prefixes.map((prefix) => `${prefix}*`);
  const result = await runGit(['ls-remote', '--refs', '--', url, ...patterns], { ...options, talks: true });
  if (result.status !== 0) throw failed(url, result);
  const refs = new Map<string, string>();
  for (const line of result.stdout.split('\n')) {
    const ref = parseRefLine(line.replace('\t', ' '));
    // A pattern may match the end of a longer name, too.
    if (ref?.oid && prefixes.some((prefix) => ref.name.startsWith(prefix))) refs.set(ref.name, ref.oid);
  }
  return refs;
}

function byArguments(url: string, swaps: readonly RefSwap[]): string[] {
  const leases = swaps.map(({ ref, old }) => `--force-with-lease=${ref}:${old ?? ''}`);
  return [...leases, '--', url, ...swaps.map(({ ref, new: to }) => `${to ?? ''}:${ref}`)];
}

// The folder of names in which all of these are, with a slash at its end.
function folderOf(names: readonly string[]): string {
  const [first = ''] = names;
  let folder = first.slice(0, first.lastIndexOf('/') + 1);
  while (names.some((name) => !name.startsWith(folder)))
    folder = folder.slice(0, folder.lastIndexOf('/', folder.length - 2) + 1);
  return folder;
}

// A lease without a name takes what the remote's tracking refs say, and that there must be none where there is no such ref; what
// a pattern brings of no ref here is deleted by --prune (git-push(1)). So the refs beside those that are deleted are sent along,
// as they are: one that has moved meanwhile makes all of it fail, as if it were one of them.
async function byPatterns(
  url: string,
  swaps: readonly RefSwap[],
  run: RunOptions,
): Promise<{ refs: SideRefs; args: string[] }> {
  const [made, known] = [new Map<string, string>(), new Map<string, string>()];
  const gone = swaps.filter(({ new: to }) => to === null).map(({ ref }) => ref);
  const folder = gone.length === 0 ? 'refs/' : folderOf(swaps.map(({ ref }) => ref));
  if (gone.length > 0)
    for (const [ref, oid] of await listRefs(url, [folder], run))
      for (const refs of [made, known]) refs.set(ref, oid);
  for (const { ref, old, new: to } of swaps) {
    if (to === null) made.delete(ref);
    else made.set(ref, to);
    if (old === null) known.delete(ref);
    else known.set(ref, old);
  }
  const beneath = (top: string, refs: ReadonlyMap<string, string>) =>
    new Map([...refs].map(([ref, oid]) => [ref.replace(/^refs\//, top), oid]));
  const from = folder.replace(/^refs\//, 'refs/new/');
  const prune = gone.length === 0 ? [] : ['--prune'];
  return {
    refs: { packed: beneath('refs/new/', made), loose: beneath('refs/old/', known) },
    args: [...prune, '--force-with-lease', '--', 'side', `${from}*:${folder}*`],
  };
}

async function push(url: string, swaps: readonly RefSwap[], options: SwapOptions): Promise<RunResult> {
  const { pushOptions = [], ...run } = options;
  const told = pushOptions.map((option) => `--push-option=${option}`);
  if (swaps.length <= MOST_ARGUMENTS)
    return runGit([...PLAINLY, ...told, ...byArguments(url, swaps)], { ...run, talks: true });
  const { refs, args } = await byPatterns(url, swaps, run);
  const side = ['-c', `remote.side.url=${url}`, '-c', 'remote.side.fetch=+refs/*:refs/old/*'];
  return withSideRefs(refs, run, (env) =>
    runGit([...side, ...PLAINLY, ...told, ...args], { ...run, env, talks: true }),
  );
}

/**
 * Swaps refs of another repository: all of them, or none. The objects that they lead to go along.
 *
 * @returns false where one of them is not what it must be
 * @throws GamError `member-unreachable`, and `member-refused` with the words of whoever refuses there; the swap may have
 *   happened all the same where the line broke
 */
export async function swapRefs(
  url: string,
  swaps: readonly RefSwap[],
  options: SwapOptions,
): Promise<boolean> {
  if (swaps.length === 0) return true;
  const result = await push(url, swaps, options);
  if (result.status === 0) return true;
  const rejected = result.stdout.split('\n').flatMap((line) => /^!\t[^\t]*\t(.*)$/.exec(line)?.[1] ?? []);
  if (rejected.some((why) => why.includes('(stale info)'))) return false;
  // Of what goes wrong when two push at the same moment there are many wordings; what stands there now tells.
  const now = await listRefs(url, swaps.map(({ ref }) => ref).slice(0, MOST_ARGUMENTS), options);
  if (swaps.slice(0, MOST_ARGUMENTS).some(({ ref, old }) => (now.get(ref) ?? null) !== old)) return false;
  if (rejected.length === 0) throw failed(url, result);
  const why = rejected.find((line) => !line.includes('atomic push fail')) ?? rejected[0] ?? '';
  const said = /^remote: (?:error: )?(.+?)\s*$/m.exec(result.stderr)?.[1] ?? why;
  const shown = redactUrl(url);
  throw new GamError('member-refused', `${shown} refused: ${printable(redactText(said))}`, { url: shown });
}
