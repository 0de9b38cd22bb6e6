import { isIP } from 'node:net';
import type { ConfigEntry } from '../config/entries.ts';
import { readSettings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { findHaves, type Haves } from '../git/haves.ts';
import { gitAgent, isFitForMirrors } from '../git/version.ts';
import type { AuditTarget } from '../mirror/audit-target.ts';
import { candidateMirrors } from '../mirror/candidates.ts';
import { type RankedMirror, rankMirrors } from '../mirror/rank.ts';
import { type GitUrl, parseGitUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { recall } from '../state/measures.ts';
import { isTransportAllowed, transportName } from '../transport/allowed.ts';
import { protocolVersion } from '../transport/protocol-version.ts';
import { NOTHING_SHOWN, type Shown } from '../transport/shown.ts';
import { mirrorShows } from './audit-mirror.ts';
import { shownTo } from './audit-shown.ts';

/** What an audit works with. */
export interface Auditing {
  entries: readonly ConfigEntry[];
  env: Environment;
  cwd: string;
  inRepository: boolean;
}

/** One place that a clone or fetch would contact, and what it would see. */
export interface AuditedHost extends Shown {
  role: 'canonical' | 'mirror';
  /** The place in the order in which mirrors are tried, from 1; null for canonical, and for one that never is. */
  rank: number | null;
  url: string;
  /** The URL that `url.<base>.insteadOf` has made this one of; null where none has. Mirrors are never rewritten. */
  rewrittenFrom: string | null;
  transport: string | null;
  /** Null for a place on this machine. */
  host: string | null;
  port: string | null;
  /** `bundle`: a file is downloaded, and no git server is asked. */
  service: 'git' | 'bundle';
  /** `refused` and `off`: it is not contacted. `backing-off`: it goes last. `reason` says why. */
  state: 'ready' | 'backing-off' | 'refused' | 'off';
  reason: string | null;
  source: string | null;
  preferred: boolean;
  /** Names of refs that it is asked for, or what they begin with; a mirror those of them that are wanted. */
  refs: string[];
  /** The commits here whose ids it is told. */
  haves: Haves | null;
  /** Addresses that can be told without asking anybody; null where a name would have to be looked up. */
  addresses: string[] | null;
}

/** What `gam audit --json` prints. */
export interface Audit {
  url: string;
  canonical: string;
  remote: string | null;
  throughGam: boolean;
  hosts: AuditedHost[];
}

const PORTS: Readonly<Record<string, string>> = { http: '80', https: '443', git: '9418' };

function placeOf(url: GitUrl | null): Pick<AuditedHost, 'transport' | 'host' | 'port' | 'addresses'> {
  if (url === null) return { transport: null, host: null, port: null, addresses: null };
  const transport = transportName(url);
  if (url.kind === 'file') return { transport, host: null, port: null, addresses: null };
  const bare = url.host.replace(/^\[|\]$/g, '');
  // Which port ssh takes its own configuration says.
  return {
    transport,
    host: url.host,
    port: url.port ?? PORTS[transport] ?? null,
    addresses: isIP(bare) ? [bare] : null,
  };
}

/** Why no mirror is contacted at all; null where they are. */
async function mirrorsOff({ entries, env, cwd }: Auditing): Promise<string | null> {
  if (!['', '0'].includes(env['GAM_DISABLE'] ?? '')) return 'GAM_DISABLE is set';
  const version = protocolVersion(entries, env, 'git-upload-pack');
  if (version < 2) return `protocol.version is ${version}, and mirrors need 2`;
  return (await isFitForMirrors({ env, cwd })) ? null : 'this git is too old for mirrors';
}

/** What goes over a line to whoever is contacted. */
interface Told {
  refs: string[];
  haves: Haves | null;
  agent: string;
}

async function auditCanonical(target: AuditTarget, told: Told, auditing: Auditing): Promise<AuditedHost> {
  const { entries, env, cwd } = auditing;
  const url = parseGitUrl(target.canonical);
  if (url.kind === 'web' && !URL.canParse(url.url))
    throw new GamError('bad-url', 'no such host can be', { url: redactUrl(url.url) });
  const name = transportName(url);
  const barred = isTransportAllowed(name, entries, env) ? null : `transport '${name}' not allowed`;
  const around = { entries, env, cwd, agent: told.agent, remote: target.remote };
  const given = target.given.replace(/^mirror::/, '');
  const never = barred !== null;
  return {
    role: 'canonical',
    rank: null,
    url: redactUrl(target.canonical),
    rewrittenFrom: given === target.canonical ? null : redactUrl(given),
    ...placeOf(url),
    service: 'git',
    state: never ? 'refused' : 'ready',
    reason: barred,
    source: null,
    preferred: false,
    ...(never ? NOTHING_SHOWN : await shownTo(url, around)),
    refs: never ? [] : told.refs,
    haves: never ? null : told.haves,
  };
}

function standing(ranked: RankedMirror, barred: string | null, off: string | null) {
  const { mirror, known, backsOff } = ranked;
  const refusal = mirror.refusal ?? barred;
  if (refusal !== null) return { state: 'refused', reason: refusal } as const;
  if (off !== null) return { state: 'off', reason: off } as const;
  if (backsOff === null) return { state: 'ready', reason: null } as const;
  const why = known.own?.reason ?? 'failed';
  return {
    state: 'backing-off',
    reason: `${why}; goes last until ${new Date(backsOff).toISOString()}`,
  } as const;
}

async function auditMirror(
  ranked: RankedMirror,
  told: Told,
  off: string | null,
  auditing: Auditing,
): Promise<AuditedHost> {
  const { url, refusal, source, preferred } = ranked.mirror;
  const parsed = refusal === null ? parseGitUrl(url) : null;
  const looked = parsed && (await mirrorShows(url, parsed, told.agent, auditing));
  const { state, reason } = standing(ranked, looked?.barred ?? null, off);
  const contacted = state === 'ready' || state === 'backing-off';
  const bundle = looked?.service === 'bundle';
  return {
    role: 'mirror',
    rank: null,
    url: redactUrl(url),
    rewrittenFrom: null,
    ...placeOf(parsed),
    service: bundle ? 'bundle' : 'git',
    state,
    reason,
    source,
    preferred,
    ...(contacted && looked ? looked.shown : NOTHING_SHOWN),
    refs: contacted && !bundle ? told.refs : [],
    haves: contacted && !bundle ? told.haves : null,
  };
}

/**
 * Tells whom a clone or fetch would contact, canonical and every mirror in the order in which they would be tried, and what
 * each would see, the most that it may. Nobody is contacted for that: files are read, and git is asked for its
 * configuration. Nothing of it is secret.
 * @throws GamError `bad-url` for a canonical that git cannot reach
 */
export async function audit(target: AuditTarget, auditing: Auditing): Promise<Audit> {
  const { entries, env, cwd, inRepository } = auditing;
  const silent = entries.some(
    ({ section, name, value }) => section === 'fetch' && name === 'negotiationalgorithm' && value === 'noop',
  );
  const haves = inRepository && target.remote !== null && !silent ? await findHaves({ env, cwd }) : null;
  const told: Told = { refs: target.refs, haves, agent: await gitAgent({ env, cwd }) };
  const { settings } = readSettings(entries);
  const off = await mirrorsOff(auditing);
  const canonical = await auditCanonical(target, told, auditing).catch((error: unknown) => {
    if (!(error instanceof GamError && error.code === 'bad-url')) throw error;
    throw new GamError('bad-url', `${error.url ?? 'this URL'}: ${error.message}`, {
      suggestion: 'give an http, https, ssh, git or file URL, or a path',
    });
  });
  const mirrors = candidateMirrors(entries, target.remote, target.canonical);
  const ranked = rankMirrors(mirrors, recall(env, settings.location), Date.now(), null);
  const hosts = [canonical];
  let rank = 0;
  for (const one of ranked) {
    const host = await auditMirror(one, told, off, auditing);
    const counts = host.state === 'ready' || host.state === 'backing-off';
    if (counts) rank += 1;
    hosts.push({ ...host, rank: counts ? rank : null });
  }
  return {
    url: redactUrl(target.given),
    canonical: redactUrl(target.canonical),
    remote: target.remote,
    throughGam: target.throughGam,
    hosts,
  };
}
