import { lstat, rm } from 'node:fs/promises';
import type { Environment } from '../git/environment.ts';
import {
  cloneMirror,
  type MirrorFetched,
  type MirrorFetchOptions,
  refreshMirror,
  removeStaleLocks,
} from '../git/mirror-repository.ts';
import { type CacheBase, type CachedUrl, redirectedUrl } from '../mirror/cache-base.ts';
import { redactUrl } from '../protocol/redact.ts';
import type { CacheFolder } from './cache-folder.ts';
import { type CachedCopy, confirmCopy, markGone, measureCopy, readCopy } from './cached-copy.ts';

/** What canonical is asked with. */
export interface CacheFetching {
  folder: CacheFolder;
  bases: readonly CacheBase[];
  env: Environment;
  signal: AbortSignal;
  /** Milliseconds until canonical must have begun to answer. */
  connectTimeout: number;
}

/** What came of asking canonical for a repository. */
export type CacheOutcome =
  | { kind: 'whole'; what: 'fetched' | 'refreshed' | 'nothing' }
  | { kind: 'refused'; why: string }
  | { kind: 'failed'; why: string };

/** Redirects that are followed, one behind the other, as many as a browser would not mind. */
const HOPS = 5;

// Asks under the URL that canonical leads to, as long as that is one of ours.
async function follow(
  { bases, ...options }: CacheFetching,
  from: string,
  ask: (url: string, options: MirrorFetchOptions) => Promise<MirrorFetched>,
): Promise<CacheOutcome> {
  let url = from;
  for (let hops = 0; hops <= HOPS; hops += 1) {
    const answer = await ask(url, options);
    if (answer.kind === 'whole') return { kind: 'whole', what: 'nothing' };
    if (answer.kind === 'refused') return { kind: 'refused', why: `canonical answers ${answer.status}` };
    // A page to log in at is no repository, and canonical is not down that leads there.
    if (answer.kind === 'failed') return { kind: hops > 0 ? 'refused' : 'failed', why: answer.why };
    const to = redirectedUrl(bases, url, answer.location);
    if (to === null)
      return { kind: 'refused', why: `canonical leads to ${redactUrl(answer.location)}, which is not ours` };
    url = to;
  }
  return { kind: 'refused', why: 'canonical leads round in a circle' };
}

async function fetchFirst(fetching: CacheFetching, place: CachedUrl): Promise<CacheOutcome> {
  const { folder } = fetching;
  const draft = folder.draft();
  const began = Date.now();
  try {
    const outcome = await follow(fetching, place.url, async (url, options) => {
      await rm(draft, { recursive: true, force: true });
      return cloneMirror(url, draft, options);
    });
    if (outcome.kind !== 'whole') return outcome;
    await confirmCopy(draft, place.url, began);
    await measureCopy(draft);
    await folder.publish(draft, place.folder);
    return { kind: 'whole', what: 'fetched' };
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** The URL that a copy was fetched from, unless somebody has written another one there. */
export function urlOf({ url }: CachedUrl, copy: CachedCopy): string {
  const bare = (text: string) => text.replace(/\.git$/, '');
  return bare(copy.url) === bare(url) ? copy.url : url;
}

async function refresh(fetching: CacheFetching, place: CachedUrl, copy: CachedCopy): Promise<CacheOutcome> {
  const gitDir = fetching.folder.gitDir(place.folder);
  const from = urlOf(place, copy);
  const began = Date.now();
  const outcome = await follow(fetching, from, (url, options) => refreshMirror(url, gitDir, options));
  if (outcome.kind === 'refused') await markGone(gitDir);
  if (outcome.kind !== 'whole') return outcome;
  await confirmCopy(gitDir, from, began);
  await measureCopy(gitDir);
  return { kind: 'whole', what: 'refreshed' };
}

/**
 * Brings a copy to where canonical is, or makes one. Nothing that is half done is ever where copies are.
 *
 * @param since a copy that was confirmed since then, in milliseconds since the epoch, is left as it is: another server was
 *   quicker
 */
export async function fetchCopy(
  fetching: CacheFetching,
  place: CachedUrl,
  since: number,
): Promise<CacheOutcome> {
  const { folder, signal } = fetching;
  const lock = await folder.lock(place.folder, signal);
  if (lock === null) return { kind: 'failed', why: 'the server is stopping' };
  try {
    const gitDir = folder.gitDir(place.folder);
    const copy = await readCopy(gitDir);
    if (copy !== null && !copy.isGone && copy.confirmed >= since) return { kind: 'whole', what: 'nothing' };
    if (copy !== null && lock.inherited) await removeStaleLocks(gitDir);
    if (copy !== null) return await refresh(fetching, place, copy);
    if ((await lstat(gitDir).catch(() => null)) !== null)
      return { kind: 'failed', why: `${gitDir} is in the way, which is no copy of this cache` };
    return await fetchFirst(fetching, place);
  } finally {
    await lock.release();
  }
}
