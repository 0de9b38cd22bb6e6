import { statfs } from 'node:fs/promises';
import { GamError } from '../errors.ts';
import { objectTypes, presentObjects } from '../git/objects.ts';
import { endProcess, type Started } from '../git/process.ts';
import type { Repository } from '../git/repository.ts';
import { type StandIn, startIndexPack, startUploadPack, tagStandIn } from '../git/stand-in.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Rival } from '../mirror/outpaced.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { argumentValues, type FetchRequest, hasArgument } from '../protocol/fetch-request.ts';
import type { AdvertisedRef } from '../protocol/ls-refs.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import type { Patience } from '../transport/patience.ts';
import { PREPARATION, REFUSED } from './fetch-from-mirror.ts';
import { packPatience } from './outpaced.ts';
import { objectCount, PackAnswer } from './pack-answer.ts';
import { digestion, packFromMirror } from './pack-from-mirror.ts';
import { showProgress } from './progress.ts';
import { lackingFeature, routedRequest, standInRequest } from './routable.ts';
import { discard, prepareRoute, type RouteAhead, type RoutePlace } from './route-ahead.ts';
import type { OwnAnswer } from './session-events.ts';
import { fetchingFrom } from './stage.ts';
import { elsewhere, type StageTools } from './stage-order.ts';
import { LACKING, StandInAnswer } from './stand-in-answer.ts';

/** What canonical has said, and can be asked. */
export interface Truth {
  refs: readonly AdvertisedRef[];
  /** Whether canonical would send these objects. */
  has: (oids: readonly string[]) => Promise<boolean>;
}

/** What is to be routed, and where it goes. */
export interface RouteOrder {
  request: FetchRequest;
  refs: readonly AdvertisedRef[];
  repository: Repository;
  format: string;
  lazy: boolean;
  /** Whether canonical has what git asked for by its id, as far as that was worth a question. */
  confirmed: Promise<boolean>;
  /** Asks canonical for what was not worth it before. */
  has: Truth['has'];
}

/** A mirror to route to, and who could go on in its place, if it turns out far slower. */
export interface Candidate {
  mirror: Mirror;
  rival: Rival | null;
}

/** What a mirror sent for one request, and git's own answer that is made of it. */
export interface Routed {
  mirror: Mirror;
  bytes: number;
  answer: OwnAnswer;
  /** Whether the user is to hear of it: not of each of hundreds of small fetches in one command. */
  told: boolean;
  /** Ends what still runs and removes what came; to be called when the answer is with git, or is not wanted. */
  close(): Promise<void>;
}

/** Lazy fetches that bring less are not told. */
const WORTH_TELLING = 1024 ** 2;

/**
 * Sends a request on to one mirror, and prepares git's answer from what comes.
 *
 * @param ahead what has been prepared for it, perhaps
 * @returns null when canonical has not what git asked for by its id
 * @throws GamError with `tryElsewhere` and the reason in a few words, when this mirror is of no use; nothing is left
 *   of it then
 */
export async function routeTo(
  { mirror, rival }: Candidate,
  order: RouteOrder,
  ahead: RouteAhead | null,
  tools: StageTools,
): Promise<Routed | null> {
  const { contact, trace, report } = tools;
  const { repository, format, lazy } = order;
  const giveUp = new AbortController();
  const signal = AbortSignal.any([contact.signal, giveUp.signal]);
  const own = { ...tools, contact: { ...contact, signal } };
  const prepared = ahead?.take(mirror, format, signal) ?? prepareRoute(mirror, repository, format, own);
  let closed: Promise<void> | null = null;
  const close = () => {
    giveUp.abort();
    closed ??= discard(prepared);
    return closed;
  };
  try {
    const place = await prepared.place;
    trace('quarantine-opened', { folder: place.quarantine.folder });
    const indexPack = startIndexPack(place.standIn, !hasArgument(order.request, 'no-progress'), signal);
    const line = await prepared.line;
    trace('mirror-open', { site: mirror.site, ms: Math.round(line.latency) });
    check(line, order);
    if (!lazy) report.line(fetchingFrom(mirror, line));
    await receive(line, order, indexPack, packPatience(rival, contact.settings), own);
    const { bytes } = line.source;
    trace('pack-received', { bytes });
    const answer = await answerFrom(place, bytes, order, signal);
    if (answer !== null) {
      trace('answer-ready');
      return { mirror, bytes, answer, told: !lazy || bytes >= WORTH_TELLING, close };
    }
    trace('unconfirmed');
    await close();
    return null;
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * git's answer, made of what the mirror has sent.
 *
 * @param bytes how much that was
 * @returns null when canonical has not what git asked for by its id
 * @throws GamError with `tryElsewhere` when something is missing
 */
async function answerFrom(
  { quarantine, standIn }: RoutePlace,
  bytes: number,
  order: RouteOrder,
  signal: AbortSignal,
): Promise<OwnAnswer | null> {
  const { request, lazy, confirmed, has } = order;
  const wants = [...new Set(argumentValues(request, 'want'))];
  const types = lazy ? await objectTypes(wants, standIn) : [];
  if (lazy && types.length < wants.length) throw elsewhere('mirror-broken', LACKING);
  // git asks for blobs, nearly always, and what came is just them: so there is nothing to be packed anew.
  if (lazy && types.every((type) => type === 'blob')) {
    const [pack, ...others] = await quarantine.packs();
    const exact = pack !== undefined && others.length === 0 && (await objectCount(pack)) === wants.length;
    if (exact) return new PackAnswer(pack);
  }
  await addTags(standIn, order);
  const uploadPack = startUploadPack(standIn, signal);
  const answer = await StandInAnswer.begin(uploadPack, standInRequest(request), digestion(bytes));
  // Whoever asks for a commit by its id gets it only from a canonical that has it. A mirror may have more, such as
  // what canonical has removed, and plain git would fail. What a lazy fetch asks for lies behind commits that canonical
  // has sent and stands by; but a user may ask in the same words for a commit.
  const named = types.includes('commit') || types.includes('tag');
  const granted = named ? await has(wants).catch(() => false) : await confirmed;
  return granted ? answer : null;
}

// A mirror that cannot cut, or leave out, would send everything.
function check({ advertisement }: MirrorLine, { request, format }: RouteOrder): void {
  const own = objectFormat(advertisement);
  if (own !== format) throw elsewhere('mirror-unusable', `has ${own} objects`);
  const feature = lackingFeature(request, advertisement);
  if (feature !== null) throw elsewhere('mirror-unusable', `does not offer ${feature}`);
}

async function receive(
  line: MirrorLine,
  { request, repository, lazy }: RouteOrder,
  indexPack: Started,
  patience: Patience,
  { contact: { settings }, report, trace }: StageTools,
): Promise<void> {
  const complaint = showProgress(indexPack.child.stderr, report);
  // The pack is here twice for a while: as it came, and as git keeps it.
  const { bavail, bsize } = await statfs(repository.objects);
  const sizeLimit = settings.maxStageSize ?? (bavail * bsize) / 3;
  // A server need not count nor compress before it sends objects by their names.
  const preparation = settings.lowSpeedTime * (lazy ? 1 : PREPARATION);
  const routed = routedRequest(request, line.advertisement);
  trace('mirror-fetch', { lazy });
  try {
    await packFromMirror({ line, request: routed, indexPack, preparation, patience, sizeLimit });
  } catch (error) {
    const refused = error instanceof GamError && error.message === REFUSED;
    endProcess(indexPack.child);
    const words = await complaint;
    throw refused && words !== '' ? elsewhere('mirror-broken', `${REFUSED}: ${words}`) : error;
  }
}

// With `include-tag`, canonical sends every tag whose object is in the pack, and git follows just those. A mirror
// that lacks one, as it was made since, would leave the clone without it.
async function addTags(standIn: StandIn, { request, refs }: RouteOrder): Promise<void> {
  if (!hasArgument(request, 'include-tag')) return;
  const tags = refs.filter(({ name, peeled }) => name.startsWith('refs/tags/') && peeled !== null);
  const oids = tags.flatMap(({ oid, peeled }) => [oid ?? '', peeled ?? '']);
  const here = await presentObjects(new Set(oids), standIn);
  if (tags.some(({ oid, peeled }) => here.has(peeled ?? '') && !here.has(oid ?? '')))
    throw elsewhere('mirror-unusable', 'lacks a tag that canonical has');
  await tagStandIn(
    standIn,
    tags.flatMap(({ oid }) => (oid !== null && here.has(oid) ? [oid] : [])),
  );
}
