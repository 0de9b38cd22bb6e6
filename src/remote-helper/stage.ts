import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { GamError } from '../errors.ts';
import { startFetchPack, type WantedRef } from '../git/fetch-pack.ts';
import { isSelfContained } from '../git/index-pack-verdict.ts';
import { isConnected, presentObjects } from '../git/objects.ts';
import { Quarantine } from '../git/quarantine.ts';
import { deleteRefs, writeRefs } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { listStaged } from '../git/staged.ts';
import type { Surplus } from '../git/trim.ts';
import { type Choice, chooseRefs, type NamedOid, stagedName } from '../mirror/choose.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';
import type { Trace } from '../trace/trace.ts';
import type { MirrorContact, MirrorLine } from '../transport/mirror-line.ts';
import { openMirror } from '../transport/mirror-line.ts';
import { Deadline, LowSpeed, within } from '../transport/patience.ts';
import { coveringRefs } from './cover.ts';
import { fetchFromMirror, PREPARATION, REFUSED } from './fetch-from-mirror.ts';
import { throwIfInterrupted } from './interrupted.ts';
import { showProgress } from './progress.ts';
import type { Report } from './report.ts';

/** More names than this are not asked for one by one, but by their folders. */
const MOST_PREFIXES = 1000;

/** What a mirror's list of refs may weigh: so much, and so much for each ref that is wanted. */
const REFS_LIMIT = { base: 16 * 1024 ** 2, each: 1024 };

/** What git asked canonical for, and where it is to go. */
export interface StageOrder {
  repository: Repository;
  /** Every name under which canonical advertised a wanted object. */
  wanted: readonly NamedOid[];
  /** The hash of canonical's object ids. */
  format: string;
  /** The commits behind annotated tags, by the tag's id. */
  peeled: ReadonlyMap<string, string>;
  /** True when git has nothing yet to build on: keep the pack whole, as a clone does. */
  clone: boolean;
  includeTag: boolean;
  progress: boolean;
}

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

/** What staging works with. */
export interface StageTools {
  contact: MirrorContact;
  report: Report;
  trace: Trace;
  pid: number;
}

function elsewhere(code: 'mirror-unusable' | 'mirror-broken', message: string): GamError {
  return new GamError(code, message, { tryElsewhere: true });
}

/**
 * Stages what is wanted from one mirror: objects into a quarantine, connectivity checked, then the packs
 * into the repository and the refs under refs/mirror/<site>/ in one transaction. Whatever goes wrong leaves
 * nothing behind.
 * @throws GamError with `tryElsewhere` and the reason in a few words, when this mirror is of no use
 */
export async function stageFrom(mirror: Mirror, order: StageOrder, tools: StageTools): Promise<Staged> {
  const stage = new Stage(mirror, order, tools);
  try {
    return await stage.run();
  } finally {
    stage.close();
  }
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

  async run(): Promise<Staged> {
    const line = await this.#open();
    const choice = chooseRefs(this.#order.wanted, await this.#listRefs(line));
    this.#tools.trace('mirror-refs', { exact: choice.exact.length, differing: choice.differing.length });
    if (choice.foreign) throw elsewhere('mirror-unusable', "has other tags of canonical's names");
    const quarantine = await Quarantine.open(this.#order.repository.objects, this.#tools.pid);
    this.#tools.trace('quarantine-opened', { folder: quarantine.folder });
    try {
      const refs = await this.#fetch(choice, quarantine);
      const tips = await this.#knownTips(refs, quarantine);
      await throwIfInterrupted(this.#tools.contact.signal);
      const { cover, packs } = await this.#keep(refs, quarantine);
      const beyond = refs.map(({ oid }) => oid).filter((oid) => !this.#wantedOids.has(oid));
      return {
        mirror: this.#mirror,
        refs: cover,
        tips,
        surplus: {
          tips: [...new Set(beyond)],
          wanted: [...this.#wantedOids],
          packs,
          site: this.#mirror.site,
        },
        bytes: this.#bytes + (this.#line?.source.bytes ?? 0),
        quarantine,
      };
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

  async #listRefs(line: MirrorLine): Promise<Map<string, string>> {
    const names = this.#order.wanted.map(({ name }) => name);
    const folders = new Set(names.map((name) => name.split('/', 2).join('/')));
    const prefixes = names.length > MOST_PREFIXES ? [...folders] : names;
    await line.send([
      linePacket('command=ls-refs'),
      ...(line.advertisement.capabilities.has('object-format')
        ? [linePacket(`object-format=${this.#order.format}`)]
        : []),
      DELIM,
      ...prefixes.map((prefix) => linePacket(`ref-prefix ${prefix}`)),
      FLUSH,
    ]);
    const { lowSpeedLimit, lowSpeedTime } = this.#tools.contact.settings;
    const limit = REFS_LIMIT.base + REFS_LIMIT.each * names.length;
    const lines = await within(
      line.source.lines(new LowSpeed(lowSpeedLimit, lowSpeedTime), limit),
      // At the lowest speed that is allowed, the limit would be reached after an hour.
      new Deadline(PREPARATION * lowSpeedTime, 'no list of refs'),
      () => 0,
    );
    const refs = lines.map(parseRefLine).filter((ref) => ref !== null);
    // The answer ends with a response-end packet on a stateless line; the next read must not meet it.
    if (line.stateless) await line.source.packet(new LowSpeed(lowSpeedLimit, lowSpeedTime));
    return new Map(refs.flatMap(({ name, oid }) => (oid === null ? [] : [[name, oid] as const])));
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
    if (refs.length === 0) throw elsewhere('mirror-unusable', 'has none of the wanted refs');
    const here = await presentObjects(new Set(refs.map(({ oid }) => oid)), this.#order.repository);
    const missing = refs.filter(({ oid }) => !here.has(oid));
    if (missing.length === 0) throw elsewhere('mirror-unusable', 'has nothing new');
    return missing;
  }

  async #fetchRefs(refs: readonly WantedRef[], quarantine: Quarantine): Promise<WantedRef[]> {
    const line = this.#line as MirrorLine;
    const { contact, report, trace } = this.#tools;
    const { clone, includeTag, progress, repository } = this.#order;
    if (!this.#announced)
      report.line(`fetching from ${mirrorHost(this.#mirror.url)} (${Math.round(line.latency)} ms)`);
    this.#announced = true;
    trace('mirror-fetch', { refs: refs.length });
    const giveUp = new AbortController();
    const signal = AbortSignal.any([contact.signal, giveUp.signal]);
    const env = quarantine.environment(repository.env);
    const verdict = join(quarantine.folder, 'trace');
    // What may have to be trimmed must be in a pack.
    const keep = clone || refs.some(({ oid }) => !this.#wantedOids.has(oid));
    const fetchPack = startFetchPack({ env, keep, includeTag, progress, trace: verdict, signal });
    const complaint = showProgress(fetchPack.child.stderr, report);
    const { bavail, bsize } = await statfs(repository.objects);
    const sizeLimit = contact.settings.maxStageSize ?? (bavail * bsize) / 2;
    try {
      await fetchFromMirror({ line, fetchPack, refs, settings: contact.settings, sizeLimit });
    } catch (error) {
      giveUp.abort();
      await fetchPack.exit.catch(() => undefined);
      const words = await complaint;
      const plain = error instanceof GamError && error.message === REFUSED && words !== '';
      throw plain ? elsewhere('mirror-broken', `${error.message}: ${words}`) : error;
    }
    const whole = await isSelfContained(verdict);
    trace('pack-received', { bytes: line.source.bytes, whole });
    const tips = new Set(refs.map(({ oid }) => oid));
    // A pack without holes may still lack what was asked for; it vouches only for the tips that are in it.
    const inPack = whole ? await presentObjects(tips, { env: quarantine.alone(repository.env) }) : new Set();
    const unproven = [...tips].filter((oid) => !inPack.has(oid));
    if (unproven.length > 0 && !(await isConnected(unproven, { env }))) {
      throw elsewhere('mirror-broken', 'sent an incomplete history');
    }
    trace('connected');
    return [...refs];
  }

  // Besides the staged tips themselves, wanted objects may have come along: a mirror that is ahead has
  // them behind its own tips. They count only when everything behind them is here, too.
  async #knownTips(refs: readonly WantedRef[], quarantine: Quarantine): Promise<Set<string>> {
    const tips = new Set(refs.map(({ oid }) => oid));
    const others = [...this.#wantedOids].filter((oid) => !tips.has(oid));
    const env = quarantine.environment(this.#order.repository.env);
    const present = await presentObjects(others, { env });
    if (present.size > 0 && (await isConnected(present, { env }))) for (const oid of present) tips.add(oid);
    return tips;
  }

  async #keep(
    refs: readonly WantedRef[],
    quarantine: Quarantine,
  ): Promise<{ cover: WantedRef[]; packs: string[] }> {
    const { repository } = this.#order;
    const { site } = this.#mirror;
    const staged = refs.flatMap(({ name, oid }) => {
      const to = stagedName(name, site);
      return to === null ? [] : [{ name: to, oid }];
    });
    const env = quarantine.environment(repository.env);
    const cover = await coveringRefs(staged, this.#order.peeled, { env });
    const packs = await quarantine.migrate();
    this.#tools.trace('migrated');
    await throwIfInterrupted(this.#tools.contact.signal);
    try {
      await writeRefs(cover, repository);
    } catch {
      // What an earlier run left may stand in the way: `a` where `a/b` is to go.
      await deleteRefs(
        (await listStaged(repository)).filter((ref) => ref.site === site),
        repository,
      );
      await writeRefs(cover, repository);
    }
    this.#tools.trace('refs-written', { refs: cover.length, site });
    try {
      await throwIfInterrupted(this.#tools.contact.signal);
    } catch (error) {
      await deleteRefs(cover, repository);
      throw error;
    }
    return { cover, packs };
  }
}
