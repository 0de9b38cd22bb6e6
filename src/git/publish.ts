import { GamError } from '../errors.ts';
import { PUBLISHED_FILE, PUBLISHED_REF } from '../protocol/published-list.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { gitOutput, type RunOptions, type RunResult, runGit } from './run.ts';

/** Nothing that runs beside, and no maintenance at the end, for an object or two. */
const BY_THE_WAY = ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false', '-c', 'transfer.bundleURI=false'];

/** What publishing came to. */
export interface Published {
  /** The commit that is there now. */
  commit: string;
  /** False when just this list was there already, and nothing was pushed. */
  pushed: boolean;
}

function wordsOf({ stderr }: RunResult): string {
  const lines = stderr.trim().split('\n');
  const line = lines.find((one) => /^(?:fatal|error): /.test(one)) ?? lines.at(-1) ?? '';
  return printable(redactText(line.replace(/^(?:fatal|error): /, '')));
}

function refused(remote: string, reason: string, suggestion: string): GamError {
  return new GamError('publish-refused', `${printable(remote)} did not take the list: ${reason}`, {
    suggestion,
  });
}

async function publishedNow(remote: string, options: RunOptions): Promise<string | null> {
  const asked = await runGit(['ls-remote', '--', remote, PUBLISHED_REF], { ...options, talks: 'asking' });
  if (asked.status !== 0)
    throw new GamError(
      'canonical-failed',
      `${printable(remote)} cannot be asked for its list: ${wordsOf(asked)}`,
      {
        suggestion: `see git ls-remote ${printable(remote)}`,
      },
    );
  // The pattern matches the ends of longer names, too.
  const line = asked.stdout.split('\n').find((one) => one.endsWith(`\t${PUBLISHED_REF}`));
  return line?.split('\t')[0] ?? null;
}

// A dry run brings the objects and writes neither a ref nor FETCH_HEAD; --no-write-fetch-head came with git 2.29 only.
async function bring(remote: string, commit: string, options: RunOptions): Promise<void> {
  const plainly = ['--dry-run', '--quiet', '--no-tags', '--no-recurse-submodules', '--refmap='];
  const fetched = await runGit([...BY_THE_WAY, 'fetch', ...plainly, '--', remote, PUBLISHED_REF], {
    ...options,
    talks: 'asking',
  });
  const looked = await runGit(['rev-parse', '--verify', '--quiet', `${commit}^{commit}`], options);
  if (looked.stdout.trim() === commit) return;
  if (fetched.status === 0)
    throw refused(
      remote,
      `what is at ${PUBLISHED_REF} is no commit`,
      `remove it: git push ${remote} :${PUBLISHED_REF}`,
    );
  throw new GamError(
    'canonical-failed',
    `the list of ${printable(remote)} cannot be fetched: ${wordsOf(fetched)}`,
    {
      suggestion: `see git fetch ${printable(remote)} ${PUBLISHED_REF}`,
    },
  );
}

/** The tree of the new commit: that of the old one, with this list. */
async function makeTree(text: Buffer, old: string | null, options: RunOptions): Promise<string> {
  const blob = (await gitOutput(['hash-object', '-w', '--stdin'], { ...options, input: text })).trim();
  const listed = old === null ? '' : await gitOutput(['ls-tree', '-z', '--full-tree', old], options);
  const others = listed.split('\0').filter((entry) => entry !== '' && !entry.endsWith(`\t${PUBLISHED_FILE}`));
  const input = [...others, `100644 blob ${blob}\t${PUBLISHED_FILE}`].map((entry) => `${entry}\0`).join('');
  return (await gitOutput(['mktree', '-z'], { ...options, input })).trim();
}

async function push(remote: string, commit: string, old: string | null, options: RunOptions): Promise<void> {
  const lease = `--force-with-lease=${PUBLISHED_REF}:${old ?? ''}`;
  const only = ['--porcelain', '--no-follow-tags', '--no-recurse-submodules', lease];
  const words = ['push', ...only, '--', remote, `${commit}:${PUBLISHED_REF}`];
  const pushed = await runGit(words, { ...options, talks: 'asking' });
  if (pushed.status === 0) return;
  const told = /^!\t[^\t]*\t(.*)$/m.exec(pushed.stdout)?.[1];
  const reason = told === undefined ? wordsOf(pushed) : printable(redactText(told));
  // Of the reason there are many wordings; where the list is another one now, that is it.
  const now = await publishedNow(remote, options).catch(() => old);
  const look = `git fetch ${printable(remote)} ${PUBLISHED_REF} && git show FETCH_HEAD:${PUBLISHED_FILE}`;
  const suggestion =
    now !== old
      ? `somebody has published another list meanwhile; look at it, and publish again: ${look}`
      : told === undefined
        ? `see git push --dry-run ${printable(remote)}`
        : `whoever runs that server must let you push to ${PUBLISHED_REF}`;
  throw refused(remote, reason, suggestion);
}

/**
 * Publishes a mirror list on a remote: a commit on top of what is there, pushed only if that has not changed meanwhile. All of
 * it is git's plumbing; no ref, index or file of this repository is touched, but where a refspec of the remote's has git
 * keep track of `refs/meta/mirrors`. Whatever goes wrong leaves some objects that nothing refers to.
 *
 * @param text the file, checked
 * @throws GamError `publish-refused` with git's reason, `canonical-failed` when the remote cannot be reached
 */
export async function publishList(
  remote: string,
  text: Buffer,
  { env, ...rest }: RunOptions,
): Promise<Published> {
  // No mirror has a say in what canonical's list is.
  const options: RunOptions = { ...rest, env: { ...env, GAM_DISABLE: '1' } };
  const old = await publishedNow(remote, options);
  if (old !== null) await bring(remote, old, options);
  const tree = await makeTree(text, old, options);
  if (old !== null && (await gitOutput(['rev-parse', `${old}^{tree}`], options)).trim() === tree)
    return { commit: old, pushed: false };
  const parents = old === null ? [] : ['-p', old];
  const made = await gitOutput(['commit-tree', ...parents, '-m', 'Publish the mirrors', tree], options);
  const commit = made.trim();
  await push(remote, commit, old, options);
  return { commit, pushed: true };
}
