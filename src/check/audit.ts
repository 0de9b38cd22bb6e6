import type { ConfigEntry } from '../config/entries.ts';
import { readSettings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { findHaves, type Haves } from '../git/haves.ts';
import { gitAgent, isFitForMirrors } from '../git/version.ts';
import type { AuditTarget } from '../mirror/audit-target.ts';
import { candidateMirrors } from '../mirror/candidates.ts';
import { namesHostOnly } from '../mirror/host-mirror.ts';
import { type RankedMirror, rankMirrors } from '../mirror/rank.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { addressesOf, recallAt } from '../state/addresses.ts';
import { recallOffers } from '../state/mirror-lists.ts';
import { isTransportAllowed, transportName } from '../transport/allowed.ts';
import { protocolVersion } from '../transport/protocol-version.ts';
import { NOTHING_SHOWN } from '../transport/shown.ts';
import { mirrorShows } from './audit-mirror.ts';
import { shownTo } from './audit-shown.ts';
import { type Audit, type AuditedHost, placeOf } from './audited-host.ts';

/** What an audit works with. */
export interface Auditing {
  entries: readonly ConfigEntry[];
  env: Environment;
  cwd: string;
  inRepository: boolean;
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
  /** As mirrors that are named by their host only are asked for it. */
  canonical: string | null;
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
    askedFor: null,
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
    askedFor: contacted && namesHostOnly(url) ? told.canonical : null,
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
  const addresses = addressesOf(target.canonical, env);
  const { canonical: asked } = addresses;
  const told: Told = { refs: target.refs, haves, agent: await gitAgent({ env, cwd }), canonical: asked };
  const { settings } = readSettings(entries);
  const canonical = await auditCanonical(target, told, auditing).catch((error: unknown) => {
    if (!(error instanceof GamError && error.code === 'bad-url')) throw error;
    throw new GamError('bad-url', `${error.url ?? 'this URL'}: ${error.message}`, {
      suggestion: 'give an http, https, ssh, git or file URL, or a path',
    });
  });
  const off = canonical.state === 'refused' ? 'canonical may not be contacted' : await mirrorsOff(auditing);
  const offers = recallOffers(target.canonical, settings.acceptMirrorUrl, env);
  const mirrors = candidateMirrors(entries, target.remote, target.canonical, offers);
  const ranked = rankMirrors(mirrors, recallAt(addresses, env, settings.location), Date.now(), null);
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
