import { type ConfigEntry, lastValue } from '../config/entries.ts';
import type { Settings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { lagBehind } from '../git/lag.ts';
import { remoteBranches } from '../git/remote-refs.ts';
import { timeLimit } from '../git/time-limit.ts';
import { candidateMirrors } from '../mirror/candidates.ts';
import { namesHostOnly } from '../mirror/host-mirror.ts';
import type { Target } from '../mirror/listing.ts';
import type { Observation } from '../mirror/measure.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { addressesOf, measuredUrl } from '../state/addresses.ts';
import { type Note, remember } from '../state/measures.ts';
import { recallOffers } from '../state/mirror-lists.ts';
import { barring } from '../transport/barring.ts';
import { probeLine } from '../transport/line-probe.ts';
import type { MirrorContact } from '../transport/mirror-line.ts';
import { isPlainWeb } from '../transport/plain-web.ts';
import type { Probe } from '../transport/probe.ts';
import { type CheckedMirror, failed, type Outcome, ready, seenOf } from './checked-mirror.ts';
import { gate } from './in-turn.ts';
import { mirrorAddresses, rememberWhere } from './place-mirrors.ts';

/** What a check works with. */
export interface Checking {
  entries: readonly ConfigEntry[];
  env: Environment;
  cwd: string;
  settings: Settings;
  /** Ends it: children, sockets and timers with it. */
  signal: AbortSignal;
}

/** So many mirrors are looked at together. */
const WIDTH = 8;

/** How long canonical may take to list its branches, in milliseconds; a login may be asked for. */
const CANONICAL_MS = 60_000;

type Gate = ReturnType<typeof gate>;

async function probe(
  mirror: Mirror,
  contact: MirrorContact,
  checking: Checking,
  inTurn: Gate,
): Promise<Probe> {
  if (mirror.refusal !== null) throw new GamError('mirror-barred', mirror.refusal, { tryElsewhere: true });
  const url = parseGitUrl(mirror.url);
  const { entries, env } = checking;
  const sha1 = (lastValue(entries, 'extensions', null, 'objectformat') ?? 'sha1') === 'sha1';
  const isAsked = namesHostOnly(mirror.url);
  if (url.kind !== 'web' || isAsked || !sha1 || !isPlainWeb(entries, env))
    return probeLine(mirror.url, contact, inTurn);
  const refusal = barring(url, entries, env);
  if (refusal !== null) throw new GamError('mirror-barred', refusal, { tryElsewhere: true });
  const { probeWeb } = await import('../transport/web-probe.ts');
  return (await probeWeb(url, contact, inTurn)) ?? probeLine(mirror.url, contact, inTurn);
}

function candidates({ remote, canonical }: Target, { entries, env, settings }: Checking): Mirror[] {
  return candidateMirrors(entries, remote, canonical, recallOffers(canonical, settings.acceptMirrorUrl, env));
}

async function checkTarget(target: Target, checking: Checking, notes: Note[], all: Gate, inTurn: Gate) {
  const { entries, env, cwd, settings, signal } = checking;
  const mirrors = candidates(target, checking);
  const addresses = addressesOf(target.canonical, env);
  for (const { url } of mirrors) if (namesHostOnly(url)) addresses.forget(url);
  const note = (url: string, seen: Observation) =>
    void notes.push({ url: measuredUrl(addresses, url), seen });
  const contact: MirrorContact = { entries, env, settings, signal, note, addresses };
  const patience = timeLimit(CANONICAL_MS, signal);
  const branches = remoteBranches(target.canonical, { cwd, env, signal: patience }).catch(() => null);
  const check = async (mirror: Mirror): Promise<CheckedMirror> => {
    let probed: Probe | null = null;
    let outcome: Outcome;
    try {
      probed = await probe(mirror, contact, checking, inTurn);
      const canonical = await branches;
      const lag = canonical && (await lagBehind(canonical, probed.refs, { cwd, env, signal }));
      outcome = ready(probed, lag ?? { commits: null, seconds: null });
    } catch (error) {
      signal.throwIfAborted();
      outcome = failed(error);
    }
    for (const seen of seenOf(outcome, probed)) note(mirror.url, seen);
    const { url, site, source, preferred } = mirror;
    return {
      url: redactUrl(url),
      site,
      canonical: redactUrl(target.canonical),
      source,
      preferred,
      ...outcome,
    };
  };
  const checked = await Promise.all(mirrors.map((mirror) => all(() => check(mirror))));
  await branches;
  return checked;
}

/**
 * Looks at all mirrors of these targets side by side: how soon each one answers, at which rate it sends a small part of
 * its repository, and how far it is behind canonical. What it finds is remembered, and where its host is.
 * @returns the mirrors of each target, in the order of the configuration
 * @throws only when interrupted; whatever is the matter with a mirror is in its `reason`
 */
export async function checkMirrors(
  targets: readonly Target[],
  checking: Checking,
): Promise<CheckedMirror[][]> {
  const notes: Note[] = [];
  const [all, inTurn] = [gate(WIDTH), gate(1)];
  const { env, settings, signal } = checking;
  const mirrors = targets.flatMap((target) => candidates(target, checking));
  const addresses = mirrorAddresses(mirrors, { timeout: settings.connectTimeout, signal });
  const checked = await Promise.all(
    targets.map((target) => checkTarget(target, checking, notes, all, inTurn)),
  );
  await remember(notes, env);
  await rememberWhere(await addresses, env);
  return checked;
}
