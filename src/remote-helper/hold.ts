import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sampledAncestors } from '../git/objects.ts';
import type { Repository } from '../git/repository.ts';
import { STATELESS_GIT } from '../git/version.ts';
import type { NamedOid } from '../mirror/choose.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { MIRROR_NAMESPACE } from '../mirror/staged.ts';
import {
  argumentValues,
  type FetchRequest,
  hasArgument,
  requestedFormat,
} from '../protocol/fetch-request.ts';
import type { AdvertisedRef } from '../protocol/ls-refs.ts';
import { type Completion, emptyPack } from './completion.ts';
import { goOnFromKept } from './go-on.ts';
import { haulFromMirrors } from './haul-from-mirrors.ts';
import type { HeadStart } from './head-start.ts';
import { hasPromisor } from './partial.ts';
import { passingOver } from './passing-over.ts';
import { keepHaul, type Staged } from './stage.ts';
import type { StageOrder, StageTools } from './stage-order.ts';

/** Requests that cut history or leave objects out; a staged history would be more than git asked for. */
const CUTTING = [
  'shallow',
  'deepen',
  'deepen-since',
  'deepen-not',
  'deepen-relative',
  'filter',
  'wait-for-done',
];

/**
 * A staging up to this size is swept by the helper itself: what git then walks by itself takes less time than
 * it takes to see a sweeper at work. Above, the staged refs spare git a walk over the whole history.
 */
const SMALL = 4 * 1024 ** 2;

// A small clone gets the staged pack itself for an answer, which then is the very pack that it keeps; a pack of
// no objects would stay behind in it. git indexes it once more, which takes no time at that size.
async function onlyPack(staged: Staged, repository: Repository): Promise<Buffer | null> {
  const [name, ...others] = staged.surplus.packs;
  if (name === undefined || others.length > 0) return null;
  return readFile(join(repository.objects, 'pack', `${name}.pack`)).catch(() => null);
}

/** What one staging brought, and for what. */
export interface Holding {
  staged: Staged;
  repository: Repository;
  wanted: string[];
  /** True when git may walk all that came in no time. */
  small: boolean;
  completion: Completion;
}

function wantedNames(request: FetchRequest, refs: readonly AdvertisedRef[]): NamedOid[] {
  const oids = new Set(argumentValues(request, 'want'));
  const names = new Set(argumentValues(request, 'want-ref'));
  return refs.flatMap(({ name, oid }) =>
    oid !== null && (oids.has(oid) || names.has(name)) ? [{ name, oid }] : [],
  );
}

function orderFor(request: FetchRequest, refs: readonly AdvertisedRef[], repository: Repository): StageOrder {
  const wanted = wantedNames(request, refs);
  const format = requestedFormat(request);
  return {
    repository,
    wanted,
    format,
    peeled: new Map(refs.flatMap(({ oid, peeled }) => (oid && peeled ? [[oid, peeled] as const] : []))),
    haves: new Set(argumentValues(request, 'have')),
    clone: !hasArgument(request, 'have'),
    includeTag: request.arguments.includes('include-tag'),
    progress: !request.arguments.includes('no-progress'),
  };
}

async function holdingOf(staged: Staged, order: StageOrder): Promise<Holding> {
  const { repository, clone, format } = order;
  const earlier = await sampledAncestors(staged.surplus.tips, repository);
  const haves = [...new Set([...staged.refs.map(({ oid }) => oid), ...earlier])];
  const wanted = order.wanted.map(({ oid }) => oid);
  const bytes = [...staged.sources.values()].reduce((sum, one) => sum + one, staged.earlier);
  const small = bytes <= SMALL;
  // A pack that holds more than git wants is to be trimmed, and is not for git's eyes.
  const exact = staged.surplus.tips.length === 0 && wanted.every((oid) => staged.known.tips.has(oid));
  const pack = (clone && small && exact && (await onlyPack(staged, repository))) || emptyPack(format);
  const completion = { complete: staged.known.tips, haves, tags: staged.known.tags, format, pack };
  return { staged, repository, wanted, small, completion };
}

/**
 * Stages for one held fetch request: takes up what has come meanwhile, or else asks the mirrors in their
 * order, until one has brought something.
 * @returns null when this request is not for mirrors, or no mirror was of use
 * @throws only when interrupted: a mirror's failure is told to the user and passed over
 */
export async function stageRequest(
  request: FetchRequest,
  refs: readonly AdvertisedRef[],
  mirrors: readonly Mirror[],
  headStart: HeadStart,
  tools: StageTools,
): Promise<Holding | null> {
  const { trace, contact } = tools;
  const order = await orderOf(request, refs, tools).catch((error: unknown) => {
    contact.signal.throwIfAborted();
    // Whatever stands in the way of using a mirror, canonical can do without.
    trace('passed-through', { why: error instanceof Error ? error.message : String(error) });
    return null;
  });
  if (order === null) {
    await headStart.abandon();
    return null;
  }
  const { haul: started, whole, race, passedOver } = await headStart.adopt(order);
  const left = mirrors.filter((mirror) => !passedOver.has(mirror));
  let haul = started;
  try {
    haul ??= await goOnFromKept(order, tools);
    if (!whole) haul = await haulFromMirrors(left, { haul, race }, order, tools);
    contact.signal.throwIfAborted();
    if (haul !== null && haul.refs.length > 0)
      return await holdingOf(await keepHaul(haul, order, tools), order);
  } catch (error) {
    await haul?.quarantine.remove();
    contact.signal.throwIfAborted();
    for (const mirror of haul?.sources.keys() ?? []) tools.report.line(passingOver(mirror, error, tools));
    return null;
  }
  await haul?.quarantine.remove();
  return null;
}

async function orderOf(
  request: FetchRequest,
  refs: readonly AdvertisedRef[],
  { contact, trace, report, place: find }: StageTools,
): Promise<StageOrder | null> {
  if (hasArgument(request, ...CUTTING) || hasPromisor(contact.entries)) {
    trace('passed-through', { why: 'shallow or partial' });
    return null;
  }
  // A mirror clone has them in the very place where a mirror's are staged, and swept.
  if (refs.some(({ name }) => name.startsWith(MIRROR_NAMESPACE))) {
    report.line(`canonical has refs under ${MIRROR_NAMESPACE} of its own; all comes from there`);
    return null;
  }
  const place = await find();
  if (place === null) return null;
  if (!place.fit) {
    report.line(`mirrors need git ${STATELESS_GIT}; all comes from canonical`);
    return null;
  }
  const order = orderFor(request, refs, place.repository);
  return order.wanted.length === 0 ? null : order;
}
