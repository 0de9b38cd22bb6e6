import { GamError } from '../errors.ts';
import type { WantedRef } from '../git/fetch-pack.ts';
import { presentObjects } from '../git/objects.ts';
import { Quarantine } from '../git/quarantine.ts';
import type { Surplus } from '../git/trim.ts';
import { type Choice, chooseRefs } from '../mirror/choose.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { type MirrorLine, openMirror } from '../transport/mirror-line.ts';
import { bringIn, knownTips } from './bring-in.ts';
import { throwIfInterrupted } from './interrupted.ts';
import { keepStaged } from './keep-staged.ts';
import { listMirrorRefs } from './mirror-refs.ts';
import { refuse } from './passing-over.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/** What staging brought. */
export interface Staged {
  mirror: Mirror;
  refs: WantedRef[];
  /** Objects that are here now with all they lead to: canonical may be told that we have them. */
  tips: ReadonlySet<string>;
  /** Staged tips that canonical did not name, and the packs that came. */
  surplus: Surplus;
  bytes: number;
  quarantine: Quarantine;
}

/** What one mirror brought: objects in a quarantine, connected, which nobody sees yet. */
export interface Brought {
  mirror: Mirror;
  refs: WantedRef[];
  quarantine: Quarantine;
  bytes: number;
}

/**
 * Stages what is wanted from one mirror: objects into a quarantine, connectivity checked, then the packs
 * into the repository and the refs under refs/mirror/<site>/ in one transaction. Whatever goes wrong leaves
 * nothing behind.
 * @throws GamError with `tryElsewhere` and the reason in a few words, when this mirror is of no use
 */
export async function stageFrom(mirror: Mirror, order: StageOrder, tools: StageTools): Promise<Staged> {
  refuse(mirror);
  tools.trace('mirror-try', { site: mirror.site });
  const stage = new Stage(mirror, order, tools);
  try {
    return await keepBrought(await stage.bring(), order, tools);
  } finally {
    stage.close();
  }
}

/** Takes what a mirror brought out of its quarantine and writes the refs under refs/mirror/<site>/. */
export async function keepBrought(
  { mirror, refs, quarantine, bytes }: Brought,
  order: StageOrder,
  tools: StageTools,
): Promise<Staged> {
  const wanted = new Set(order.wanted.map(({ oid }) => oid));
  try {
    const tips = await knownTips(refs, wanted, order.repository, quarantine);
    await throwIfInterrupted(tools.contact.signal);
    const { cover, packs } = await keepStaged(refs, mirror.site, order, quarantine, tools);
    const beyond = refs.map(({ oid }) => oid).filter((oid) => !wanted.has(oid));
    const surplus = { tips: [...new Set(beyond)], wanted: [...wanted], packs, refs: cover };
    return { mirror, refs: cover, tips, surplus, bytes, quarantine };
  } catch (error) {
    await quarantine.remove();
    throw error;
  }
}

/** What the user sees when a mirror starts to send. */
export function fetchingFrom(mirror: Mirror, { latency }: MirrorLine): string {
  return `fetching from ${mirrorHost(mirror.url)} (${Math.round(latency)} ms)`;
}

class Stage {
  readonly #mirror: Mirror;
  readonly #order: StageOrder;
  readonly #tools: StageTools;
  readonly #wantedOids: ReadonlySet<string>;
  #line: MirrorLine | null = null;
  #bytes = 0;
  #announced = false;

  constructor(mirror: Mirror, order: StageOrder, tools: StageTools) {
    this.#mirror = mirror;
    this.#order = order;
    this.#tools = tools;
    this.#wantedOids = new Set(order.wanted.map(({ oid }) => oid));
  }

  close(): void {
    this.#line?.close();
  }

  async bring(): Promise<Brought> {
    const line = await this.#open();
    const choice = chooseRefs(
      this.#order.wanted,
      await listMirrorRefs(
        line,
        this.#order.wanted.map(({ name }) => name),
        this.#order.format,
        this.#tools.contact.settings,
      ),
    );
    this.#tools.trace('mirror-refs', { exact: choice.exact.length, differing: choice.differing.length });
    if (choice.foreign) throw elsewhere('mirror-unusable', "has other tags of canonical's names");
    const quarantine = await Quarantine.open(this.#order.repository.objects, this.#tools.pid);
    this.#tools.trace('quarantine-opened', { folder: quarantine.folder });
    try {
      const refs = await this.#fetch(choice, quarantine);
      const bytes = this.#bytes + (this.#line?.source.bytes ?? 0);
      return { mirror: this.#mirror, refs, quarantine, bytes };
    } catch (error) {
      await quarantine.remove();
      throw error;
    }
  }

  async #open(): Promise<MirrorLine> {
    const line = await openMirror(this.#mirror.url, this.#tools.contact);
    this.#line = line;
    this.#tools.trace('mirror-open', { site: this.#mirror.site, ms: Math.round(line.latency) });
    const format = objectFormat(line.advertisement);
    if (format !== this.#order.format) throw elsewhere('mirror-unusable', `has ${format} objects`);
    return line;
  }

  // A server of protocol v2 gives any object it has, so one that is ahead of canonical can serve exactly
  // what canonical advertises. One that is behind refuses, and then serves what it has. A second try needs a
  // second line where answers are not stateless; over ssh that costs more than it is worth.
  async #fetch({ exact, differing }: Choice, quarantine: Quarantine): Promise<WantedRef[]> {
    const { wanted } = this.#order;
    if (exact.length === wanted.length) return this.#fetchRefs(exact, quarantine);
    const missing = await this.#missing([...exact, ...differing]);
    if (this.#line?.kind === 'ssh') return this.#fetchRefs(missing, quarantine);
    try {
      return await this.#fetchRefs(wanted, quarantine);
    } catch (error) {
      if (!(error instanceof GamError && error.code === 'mirror-refused')) throw error;
      this.#tools.trace('mirror-behind', { site: this.#mirror.site });
      if (!this.#line?.stateless) await this.#reopen();
      return this.#fetchRefs(missing, quarantine);
    }
  }

  async #reopen(): Promise<void> {
    this.#bytes += this.#line?.source.bytes ?? 0;
    this.#line?.close();
    this.#line = null;
    await this.#open();
  }

  async #missing(refs: readonly WantedRef[]): Promise<WantedRef[]> {
    if (refs.length === 0) throw elsewhere('mirror-behind', 'has none of the wanted refs');
    const here = await presentObjects(new Set(refs.map(({ oid }) => oid)), this.#order.repository);
    const missing = refs.filter(({ oid }) => !here.has(oid));
    if (missing.length === 0) throw elsewhere('mirror-behind', 'has nothing new');
    return missing;
  }

  async #fetchRefs(refs: readonly WantedRef[], quarantine: Quarantine): Promise<WantedRef[]> {
    const line = this.#line as MirrorLine;
    if (!this.#announced) this.#tools.report.line(fetchingFrom(this.#mirror, line));
    this.#announced = true;
    await bringIn(refs, this.#wantedOids, { line, order: this.#order, quarantine, tools: this.#tools });
    return [...refs];
  }
}
