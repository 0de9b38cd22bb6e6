import type { ConfigEntry } from '../config/entries.ts';
import { type Remote, readRemotes, rewriteUrl, withoutPrefix } from '../config/remotes.ts';
import { GamError } from '../errors.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { candidateMirrors } from './candidates.ts';
import type { Mirror } from './mirror.ts';

/** One element of `gam mirrors list --json`. What is not known yet is null. */
export interface ListedMirror {
  url: string;
  site: string;
  canonical: string;
  source: 'config' | 'prefix' | 'server' | 'published';
  preferred: boolean;
  /** 0 to 100, lower first. */
  priority: number | null;
  location: string | null;
  /** `ready`: would be contacted. `refused`: never is, and `reason` says why. */
  state: 'ready' | 'refused';
  reason: string | null;
  latencyMs: number | null;
  bytesPerSecond: number | null;
  lag: number | null;
  hits: number | null;
  misses: number | null;
  lastUsed: string | null;
}

/** Whose mirrors are asked for. */
export interface Target {
  /** null when a URL or a base is meant. */
  remote: string | null;
  canonical: string;
}

/** The remote of that name. @throws GamError `unknown-remote` naming those that exist */
export function needRemote(remotes: readonly Remote[], name: string): Remote {
  const remote = remotes.find((other) => other.name === name);
  if (remote !== undefined) return remote;
  const known = remotes.map((other) => printable(other.name)).join(', ');
  throw new GamError('unknown-remote', `no remote '${printable(name)}' with a URL`, {
    suggestion: known === '' ? 'add one with git remote add' : `the remotes here are ${known}`,
  });
}

/**
 * The remote that a command means when none is named: `origin`, or the only one.
 * @throws GamError `unknown-remote` when there is none, `usage` when there are several
 */
export function defaultRemote(remotes: readonly Remote[]): Remote {
  const [only, second] = remotes;
  const chosen = remotes.find((remote) => remote.name === 'origin') ?? (second ? undefined : only);
  if (chosen !== undefined) return chosen;
  if (only === undefined)
    throw new GamError('unknown-remote', 'this repository has no remote', {
      suggestion: 'add one with git remote add, or name a base with --for',
    });
  const names = remotes.map((remote) => printable(remote.name)).join(', ');
  throw new GamError('usage', `several remotes (${names}) and none is called origin`, {
    suggestion: 'name one with --remote',
  });
}

/**
 * Finds whose mirrors to list: of the named remote, of the remotes with this URL (or of the URL alone), of
 * every remote, or, outside a repository, of every `mirror.<base>.url`.
 * @throws GamError `unknown-remote`
 */
export function listTargets(
  entries: readonly ConfigEntry[],
  asked: { inRepository: boolean; url?: string | undefined; remote?: string | undefined },
): Target[] {
  const remotes = asked.inRepository ? readRemotes(entries) : [];
  const target = (remote: Remote): Target => ({ remote: remote.name, canonical: remote.canonical });
  if (asked.remote !== undefined) return [target(needRemote(remotes, asked.remote))];
  if (asked.url !== undefined) {
    const canonical = withoutPrefix(rewriteUrl(entries, withoutPrefix(asked.url)));
    const same = remotes.filter((remote) => remote.canonical === canonical || remote.name === asked.url);
    return same.length > 0 ? same.map(target) : [{ remote: null, canonical }];
  }
  if (asked.inRepository) return remotes.map(target);
  const bases = entries.flatMap(({ section, subsection, name }) =>
    section === 'mirror' && name === 'url' && subsection ? [subsection] : [],
  );
  return [...new Set(bases)].map((base) => ({ remote: null, canonical: base }));
}

function listed(mirror: Mirror, canonical: string): ListedMirror {
  return {
    url: redactUrl(mirror.url),
    site: mirror.site,
    canonical: redactUrl(canonical),
    source: mirror.source,
    preferred: mirror.preferred,
    priority: null,
    location: null,
    state: mirror.refusal === null ? 'ready' : 'refused',
    reason: mirror.refusal,
    latencyMs: null,
    bytesPerSecond: null,
    lag: null,
    hits: null,
    misses: null,
    lastUsed: null,
  };
}

/** The mirrors of one target, fit to be shown: no login, no control character. */
export function listMirrors(entries: readonly ConfigEntry[], { remote, canonical }: Target): ListedMirror[] {
  return candidateMirrors(entries, remote, canonical).map((mirror) => listed(mirror, canonical));
}
