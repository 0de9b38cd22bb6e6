import { GamError } from '../errors.ts';
import type { WantedRef } from '../git/fetch-pack.ts';
import { presentObjects } from '../git/objects.ts';
import type { Quarantine } from '../git/quarantine.ts';
import type { Surplus } from '../git/trim.ts';
import { chooseRefs } from '../mirror/choose.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { type MirrorLine, openMirror } from '../transport/mirror-line.ts';
import type { Patience } from '../transport/patience.ts';
import { type Known, lookAtHaul } from './bring-in.ts';
import type { Haul } from './haul.ts';
import { haulRefs } from './haul-refs.ts';
import { throwIfInterrupted } from './interrupted.ts';
import { keepStaged } from './keep-staged.ts';
import { packPatience } from './outpaced.ts';
import type { Answer, Winner } from './race.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/** What staging brought. */
export interface Staged {
  refs: WantedRef[];
  known: Known;
  /** Staged tips that canonical did not name, and the packs that came. */
  surplus: Surplus;
  /** The bytes that each mirror sent. */
  sources: ReadonlyMap<Mirror, number>;
  /** The bytes of packs that an earlier run has brought. */
  earlier: number;
  quarantine: Quarantine;
}

/** What a mirror is asked for. */
export interface Plan {
  refs: readonly WantedRef[];
  /** What it is asked for when it refuses that; null when there is nothing else. */
  otherwise: readonly WantedRef[] | null;
}

/**
 * Makes out what to ask a mirror for. A server of protocol v2 gives any object it has, so one that is ahead of
 * canonical can serve exactly what canonical advertises. One that is behind refuses, and then serves what it has. A
 * second try needs a second line where answers are not stateless; over ssh that costs more than it is worth.
 *
 * @throws GamError `mirror-behind` for a mirror that has nothing new; nothing was made for it then
 */
export async function planFor(
  { refs, line }: Answer,
  order: StageOrder,
  { trace }: StageTools,
): Promise<Plan> {
  const { wanted, haves, repository } = order;
  const { exact, differing } = chooseRefs(wanted, refs);
  trace('mirror-refs', { exact: exact.length, differing: differing.length });
  if (exact.length === wanted.length) return { refs: exact, otherwise: null };
  // A mirror to which nothing has come since the last fetch here stands at what git says it has.
  const theirs = [...exact, ...differing].filter(({ oid }) => !haves.has(oid));
  const here = await presentObjects(new Set(theirs.map(({ oid }) => oid)), repository);
  const missing = theirs.filter(({ oid }) => !here.has(oid));
  if (missing.length === 0) throw elsewhere('mirror-behind', 'has nothing new');
  return line.kind === 'ssh' ? { refs: missing, otherwise: null } : { refs: wanted, otherwise: missing };
}

/**
 * Adds to a haul what is asked for of one mirror.
 * @throws GamError with `tryElsewhere` and the reason in a few words, when this mirror is of no use
 */
export async function haulFrom(
  answer: Winner,
  plan: Plan,
  haul: Haul,
  order: StageOrder,
  tools: StageTools,
): Promise<void> {
  await tools.hand.hold(answer.mirror, tools, async (own) => {
    const hauling = new Hauling(answer, haul, order, own);
    // A line that is silent is waited for, whatever else has ended.
    own.contact.signal.addEventListener('abort', () => hauling.close());
    try {
      await hauling.run(plan);
    } finally {
      hauling.close();
    }
  });
}

/**
 * Takes a haul out of its quarantine: the packs go into the repository, and the refs are written under
 * refs/mirror/<site>/ in one transaction. Whatever goes wrong leaves nothing behind.
 */
export async function keepHaul(haul: Haul, order: StageOrder, tools: StageTools): Promise<Staged> {
  const { refs, quarantine, sources, earlier } = haul;
  const wanted = new Set(order.wanted.map(({ oid }) => oid));
  const known = await lookAtHaul(refs, order, quarantine);
  await throwIfInterrupted(tools.contact.signal);
  const { cover, packs } = await keepStaged(refs, order, quarantine, tools);
  const came = [...refs.map(({ oid }) => oid), ...haul.others];
  const beyond = came.filter((oid) => !wanted.has(oid));
  const tags = order.includeTag ? order.peeled : new Map<string, string>();
  const surplus = { tips: [...new Set(beyond)], wanted: [...wanted], packs, refs: cover, tags };
  return { refs: cover, known, surplus, sources, earlier, quarantine };
}

/**
 * What share of the wanted refs a mirror has just as canonical has them.
 * @throws GamError `mirror-unusable` for one that cannot help
 */
export function usefulness({ refs, line }: Answer, { wanted, format }: StageOrder): number {
  const theirs = objectFormat(line.advertisement);
  if (theirs !== format) throw elsewhere('mirror-unusable', `has ${theirs} objects`);
  const { exact, differing, foreign } = chooseRefs(wanted, refs);
  if (foreign) throw elsewhere('mirror-unusable', "has other tags of canonical's names");
  if (exact.length + differing.length === 0) throw elsewhere('mirror-behind', 'has none of the wanted refs');
  return exact.length / wanted.length;
}

/** What the user sees when a mirror starts to send. */
export function fetchingFrom(mirror: Mirror, { latency }: Pick<MirrorLine, 'latency'>): string {
  return `fetching from ${mirrorHost(mirror.url)} (${Math.round(latency)} ms)`;
}

class Hauling {
  readonly #mirror: Mirror;
  readonly #haul: Haul;
  readonly #order: StageOrder;
  readonly #tools: StageTools;
  readonly #patience: Patience;
  #line: MirrorLine;
  #announced = false;

  constructor({ mirror, line, rival }: Winner, haul: Haul, order: StageOrder, tools: StageTools) {
    this.#mirror = mirror;
    this.#line = line;
    this.#haul = haul;
    this.#order = order;
    this.#tools = tools;
    this.#patience = packPatience(rival, tools.contact.settings);
  }

  close(): void {
    this.#line.close();
  }

  async run({ refs, otherwise }: Plan): Promise<void> {
    try {
      await this.#fetch(refs);
    } catch (error) {
      if (otherwise === null || !(error instanceof GamError && error.code === 'mirror-refused')) throw error;
      this.#tools.trace('mirror-behind', { site: this.#mirror.site });
      if (!this.#line.stateless) await this.#reopen();
      await this.#fetch(otherwise);
    }
  }

  async #reopen(): Promise<MirrorLine> {
    this.#line.close();
    this.#line = await openMirror(this.#mirror.url, this.#tools.contact);
    this.#tools.trace('mirror-open', { site: this.#mirror.site, ms: Math.round(this.#line.latency) });
    return this.#line;
  }

  async #fetch(refs: readonly WantedRef[]): Promise<void> {
    if (!this.#announced) this.#tools.report.line(fetchingFrom(this.#mirror, this.#line));
    this.#announced = true;
    const hauled = new Set(this.#haul.refs.map(({ name, oid }) => `${oid} ${name}`));
    const left = refs.filter(({ name, oid }) => !hauled.has(`${oid} ${name}`));
    if (left.length === 0) return;
    await haulRefs(left, this.#haul, {
      mirror: this.#mirror,
      line: this.#line,
      order: this.#order,
      tools: this.#tools,
      patience: this.#patience,
      reopen: () => this.#reopen(),
    });
  }
}
