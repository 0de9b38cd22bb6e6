import type { Environment } from './environment.ts';
import { type Started, startProcess } from './process.ts';

/** A ref to be fetched: the name it goes by and the object it must bring. */
export interface WantedRef {
  name: string;
  oid: string;
}

/** How fetch-pack is to behave. */
export interface FetchPackOptions {
  env: Environment;
  /** Keep the pack as it comes, as a clone does, whatever fetch.unpackLimit says. */
  keep: boolean;
  includeTag: boolean;
  progress: boolean;
  /** A file for git's trace, absolute. */
  trace: string;
  signal: AbortSignal;
}

/** The most that one allocation of git may ask for: a pack's deltas and headers can claim any size. */
export const ALLOCATION_LIMIT = '2g';

/**
 * Starts `git fetch-pack` on its standard input and output (git-fetch-pack(1), --stateless-rpc, --stdin):
 * it reads the wanted refs as packets up to a flush, then speaks protocol v2, and indexes the pack that
 * comes. What index-pack thinks of the pack is then to be read from the trace; see isSelfContained().
 */
export function startFetchPack({
  env,
  keep,
  includeTag,
  progress,
  trace,
  signal,
}: FetchPackOptions): Started {
  const args = ['fetch-pack', '--stateless-rpc', '--stdin', '--thin', '--check-self-contained-and-connected'];
  // git 2.39.5 dies of a null pointer without it when transfer.fsckObjects is set; the lock itself is not needed.
  args.push('--lock-pack');
  if (keep) args.push('--keep');
  if (includeTag) args.push('--include-tag');
  if (!progress) args.push('--quiet', '--no-progress');
  // The repository's name is only for messages; the line is already open.
  args.push('mirror');
  const limited = { ...env, GIT_ALLOC_LIMIT: ALLOCATION_LIMIT, GIT_TRACE2_EVENT: trace };
  return startProcess('git', args, { env: limited, signal });
}
