import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { readRemotes } from '../config/remotes.ts';
import { GamError } from '../errors.ts';
import { defaultRemote, needRemote } from '../mirror/listing.ts';

/** A branch here, and its like at a remote. */
export interface Pair {
  /** The remote's name. */
  remote: string;
  /** As `main`. */
  branch: string;
  /** What it is called at the remote, in full. */
  remoteRef: string;
}

/**
 * Which branch is exchanged with which: as named, or as git-config(1) has it for the branch (`branch.<name>.remote` and `.merge`), or else that
 * of the same name at the default remote.
 *
 * @param here the branch that is checked out; null for none
 * @throws GamError `usage`, `unknown-remote`
 */
export function findPair(
  entries: readonly ConfigEntry[],
  here: string | null,
  named: { remote?: string | undefined; branch?: string | undefined },
): Pair {
  const branch = named.branch ?? here;
  if (branch === null)
    throw new GamError('usage', 'HEAD is at no branch', {
      suggestion: 'name one with --branch, or git switch to it',
    });
  const remotes = readRemotes(entries);
  const configured = lastValue(entries, 'branch', branch, 'remote');
  // `.` is this repository: the branch is on top of another one here, and that is none to exchange it with.
  const meant = named.remote ?? (configured === '.' ? undefined : configured);
  const remote = meant === undefined ? defaultRemote(remotes) : needRemote(remotes, meant);
  const upstream = lastValue(entries, 'branch', branch, 'merge');
  const isUpstream = remote.name === configured && upstream?.startsWith('refs/heads/');
  return {
    remote: remote.name,
    branch,
    remoteRef: isUpstream && upstream !== undefined ? upstream : `refs/heads/${branch}`,
  };
}
