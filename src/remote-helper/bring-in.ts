import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { GamError } from '../errors.ts';
import { startFetchPack, type WantedRef } from '../git/fetch-pack.ts';
import { packVerdict } from '../git/index-pack-verdict.ts';
import { isConnected, presentObjects } from '../git/objects.ts';
import type { Quarantine } from '../git/quarantine.ts';
import { hasRefs } from '../git/refs.ts';
import type { Observation } from '../mirror/measure.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import type { Patience } from '../transport/patience.ts';
import { fetchFromMirror, PREPARATION, REFUSED } from './fetch-from-mirror.ts';
import { showProgress } from './progress.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/** Where objects come from, and where they go. */
export interface Passage {
  line: MirrorLine;
  order: StageOrder;
  quarantine: Quarantine;
  tools: StageTools;
  /** With the pack, once it comes. */
  patience: Patience;
}

/**
 * Brings refs of a mirror into a quarantine, with everything they lead to.
 *
 * @param proven what is in the quarantine already, with everything it leads to: all else there is of it
 * @throws GamError with `tryElsewhere` when the mirror refuses, breaks off, or sends a history with holes
 */
export async function bringIn(
  refs: readonly WantedRef[],
  proven: ReadonlySet<string>,
  { line, order, quarantine, tools, patience }: Passage,
): Promise<void> {
  const { contact, report, trace } = tools;
  const { clone, includeTag, progress, repository } = order;
  trace('mirror-fetch', { refs: refs.length });
  const giveUp = new AbortController();
  const signal = AbortSignal.any([contact.signal, giveUp.signal]);
  // In a repository without refs nothing else is known to be connected, and what is in the quarantine is.
  const alone = clone && !(await hasRefs(repository.gitDir, repository));
  const env = alone ? quarantine.alone(repository.env) : quarantine.environment(repository.env);
  const verdictFile = join(quarantine.folder, `trace-${proven.size}`);
  const wanted = new Set(order.wanted.map(({ oid }) => oid));
  // What may have to be trimmed must be in a pack.
  const keep = clone || refs.some(({ oid }) => !wanted.has(oid));
  const fetchPack = startFetchPack({ env, keep, includeTag, progress, trace: verdictFile, signal });
  const complaint = showProgress(fetchPack.child.stderr, report);
  const { bavail, bsize } = await statfs(repository.objects);
  const note = (seen: Observation) => contact.note(line.url, seen);
  const sizeLimit = contact.settings.maxStageSize ?? (bavail * bsize) / 2;
  try {
    await fetchFromMirror({
      line,
      fetchPack,
      refs,
      haves: [...proven],
      preparation: contact.settings.lowSpeedTime * PREPARATION,
      patience,
      sizeLimit,
      note,
    });
  } catch (error) {
    giveUp.abort();
    await fetchPack.exit.catch(() => undefined);
    const words = await complaint;
    const plain = error instanceof GamError && error.message === REFUSED && words !== '';
    throw plain ? elsewhere('mirror-broken', `${error.message}: ${words}`) : error;
  }
  const verdict = await packVerdict(verdictFile);
  trace('pack-received', { bytes: line.source.bytes, verdict: verdict ?? 'none' });
  const vouched = verdict === 'whole' || (alone && verdict === 'linked');
  const tips = new Set(refs.map(({ oid }) => oid));
  // A pack without holes may still lack what was asked for; it vouches only for the tips that are in it.
  const inPack = vouched ? await presentObjects(tips, { env: quarantine.alone(repository.env) }) : new Set();
  const unproven = [...tips].filter((oid) => !inPack.has(oid));
  if (unproven.length > 0 && !(await isConnected(unproven, { env }, proven))) {
    throw elsewhere('mirror-broken', 'sent an incomplete history');
  }
  trace('connected');
}

/** What canonical can be told of a haul, and must be asked for beside it. */
export interface Known {
  /** Objects that are here now with all they lead to. */
  tips: ReadonlySet<string>;
  /** Annotated tags that are not here, of objects that are. */
  tags: string[];
}

/**
 * Looks at what is here now. Besides the staged tips themselves, wanted objects may have come along: a mirror that
 * is ahead has them behind its own tips. They count only when everything behind them is here, too.
 *
 * With `include-tag` a server adds the annotated tags of what it sends (gitprotocol-v2(5)). What a mirror sent, it
 * would not send, and so these tags must be asked for where the mirror did not have them.
 */
export async function lookAtHaul(
  refs: readonly WantedRef[],
  { wanted, includeTag, peeled, repository }: StageOrder,
  quarantine: Quarantine,
): Promise<Known> {
  const tips = new Set(refs.map(({ oid }) => oid));
  const others = wanted.map(({ oid }) => oid).filter((oid) => !tips.has(oid));
  const tagged = includeTag ? [...peeled] : [];
  const env = quarantine.environment(repository.env);
  const here = await presentObjects(new Set([...others, ...tagged.flat()]), { env });
  const along = others.filter((oid) => here.has(oid));
  if (along.length > 0 && (await isConnected(along, { env }, tips))) for (const oid of along) tips.add(oid);
  const tags = tagged.filter(([tag, commit]) => here.has(commit) && !here.has(tag)).map(([tag]) => tag);
  return { tips, tags };
}
