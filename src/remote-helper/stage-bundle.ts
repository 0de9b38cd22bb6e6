import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GamError } from '../errors.ts';
import { readBundleList } from '../git/bundle-list-file.ts';
import { presentObjects } from '../git/objects.ts';
import { Quarantine } from '../git/quarantine.ts';
import { listedPlace } from '../mirror/bundle.ts';
import { chooseRefs } from '../mirror/choose.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import type { BundleHeader } from '../protocol/bundle-header.ts';
import { badBundle } from '../protocol/bundle-header.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { isTransportAllowed, transportName } from '../transport/allowed.ts';
import { BundleFeed } from './bundle-feed.ts';
import { type Candidate, inOrder } from './bundle-order.ts';
import { checkBundle } from './check-bundle.ts';
import { type BundlePlace, type FetchedBundle, fetchBundle } from './fetch-bundle.ts';
import type { Haul } from './haul.ts';
import { Indexing } from './indexing.ts';
import { bundleRefs, type Decline, judgeBundle } from './judge-bundle.ts';
import { refuse } from './passing-over.ts';
import { fetchingFrom } from './stage.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/**
 * Brings a static file: a bundle, or a list of bundles. It is judged by its header, downloaded into a quarantine from
 * all mirrors that hold it, indexed there and checked; from there on it is as what came from any other mirror.
 *
 * @param mirrors the mirror, and others that may hold the same bundle
 * @throws GamError with `tryElsewhere` and the reason in a few words, when it is of no use
 */
export async function haulBundle(
  mirrors: readonly Mirror[],
  order: StageOrder,
  tools: StageTools,
): Promise<Haul> {
  const stage = new BundleStage(mirrors, order, tools);
  try {
    return await stage.bring();
  } catch (error) {
    tools.contact.signal.throwIfAborted();
    // Of several that were mixed, one may have lied; the first is asked alone before it is blamed.
    if (!stage.isMixed) throw error;
    return haulBundle(mirrors.slice(0, 1), order, tools);
  }
}

class BundleStage {
  readonly #mirrors: readonly Mirror[];
  readonly #mirror: Mirror;
  readonly #order: StageOrder;
  readonly #tools: StageTools;
  readonly #received = new Map<string, number>();
  /** Refs that bundles brought, and their objects, which are here with all they lead to. */
  readonly #refs = new Map<string, string>();
  /** Whether a bundle came from more than one mirror. */
  isMixed = false;
  #announced = false;
  #made = 0;

  constructor(mirrors: readonly Mirror[], order: StageOrder, tools: StageTools) {
    this.#mirrors = mirrors;
    this.#mirror = mirrors[0] as Mirror;
    this.#order = order;
    this.#tools = tools;
  }

  async bring(): Promise<Haul> {
    refuse(this.#mirror);
    const { contact, trace, pid } = this.#tools;
    const parsed = parseGitUrl(this.#mirror.url);
    if (!isTransportAllowed(transportName(parsed), contact.entries, contact.env))
      throw elsewhere('mirror-unusable', `transport '${transportName(parsed)}' not allowed`);
    trace('mirror-try', { site: this.#mirror.site });
    const quarantine = await Quarantine.open(this.#order.repository.objects, pid);
    trace('quarantine-opened', { folder: quarantine.folder });
    try {
      const here = parsed.kind === 'file' ? { path: parsed.path } : null;
      const place = here ?? { urls: this.#mirrors.map(({ url }) => url) };
      const list = await this.#take(place, quarantine, null);
      if (list !== null) await this.#takeList(list, quarantine);
      return await this.#brought(quarantine);
    } catch (error) {
      await quarantine.remove();
      throw error;
    }
  }

  /** Takes a bundle; the text of a list is returned instead. */
  async #take(place: BundlePlace, quarantine: Quarantine, listed: Candidate | null): Promise<string | null> {
    this.#made += 1;
    const into = join(quarantine.folder, `bundle-${this.#made}`);
    const already = [...this.#received.values()].reduce((sum, bytes) => sum + bytes, 0);
    const feed = new BundleFeed(`${into}.part`);
    const stop = new AbortController();
    let indexing: Indexing | null = null;
    const onHeader = async (header: BundleHeader, latency: number) => {
      await this.#judge(header, latency, quarantine, listed);
      // A second header: the download has begun anew, with what may be another bundle.
      if (indexing !== null) feed.spoil();
      if (indexing !== null || !('urls' in place)) return;
      await feed.open();
      indexing = new Indexing(feed, header.length, this.#order, quarantine, this.#tools);
      // Nobody need wait for the rest of a pack that git has refused.
      void indexing.broken.then(() => {
        if (!feed.spoiled) stop.abort();
      });
    };
    const signal = AbortSignal.any([this.#tools.contact.signal, stop.signal]);
    const events = { onHeader, grown: (there: number) => feed.grown(there), signal };
    try {
      const fetched = await fetchBundle(place, into, events, this.#order, this.#tools, already).catch(
        async (error: unknown) => {
          // Several that were mixed may have made the pack what it is.
          this.isMixed ||= stop.signal.aborted && 'urls' in place && place.urls.length > 1;
          throw stop.signal.aborted && indexing !== null ? await wordsOf(indexing) : error;
        },
      );
      feed.end();
      return await this.#index(fetched, feed.spoiled ? null : indexing, quarantine, listed);
    } finally {
      feed.end();
      await (indexing as Indexing | null)?.stop();
      await feed.close();
      // The pack is in its place, or of no use; so are the file and what a broken download leaves.
      for (const ending of ['', '.part', '.journal']) await rm(`${into}${ending}`, { force: true });
    }
  }

  async #judge(
    header: BundleHeader,
    latency: number,
    quarantine: Quarantine,
    listed: Candidate | null,
  ): Promise<void> {
    if (listed !== null) listed.header = header;
    const decline = await judgeBundle(header, this.#order, quarantine, listed === null);
    this.#tools.trace('bundle-judged', { refs: header.refs.size, verdict: decline?.reason ?? 'taken' });
    if (decline !== null) throw declined(decline, listed);
    if (!this.#announced) this.#tools.report.line(fetchingFrom(this.#mirror, { latency }));
    this.#announced = true;
  }

  /** @param begun what has been indexed while it came; null when nothing has, or something else */
  async #index(
    { path, header, list, received }: FetchedBundle,
    begun: Indexing | null,
    quarantine: Quarantine,
    listed: Candidate | null,
  ): Promise<string | null> {
    let size = 0;
    for (const [url, bytes] of received) {
      this.#received.set(url, bytes);
      size += bytes;
    }
    if (header === null) {
      if (listed !== null) throw badBundle('is a list in a list');
      return list ?? '';
    }
    this.isMixed ||= received.size > 1;
    this.#tools.trace('bundle-here', { bytes: size, sources: received.size });
    const indexing = begun ?? new Indexing(path, header.length, this.#order, quarantine, this.#tools);
    try {
      const indexed = await indexing.verdict(size);
      this.#tools.trace('pack-received', { bytes: size, whole: indexed.whole });
      await checkBundle(header, indexed, new Set(this.#refs.values()), this.#order, quarantine);
      this.#tools.trace('connected');
    } finally {
      await indexing.stop();
    }
    for (const [name, oid] of bundleRefs(header)) this.#refs.set(name, oid);
    return null;
  }

  async #takeList(text: string, quarantine: Quarantine): Promise<void> {
    const { env } = this.#tools.contact;
    const list = await readBundleList(text, env);
    this.#tools.trace('bundle-list', { bundles: list.bundles.length, mode: list.mode });
    await inOrder(list, {
      clone: this.#order.clone,
      limit: this.#tools.contact.settings.lowSpeedTime,
      take: async (candidate) => {
        const place = this.#placeOf(candidate.bundle.uri);
        if (candidate.header !== null) {
          const decline = await judgeBundle(candidate.header, this.#order, quarantine, false);
          if (decline !== null) throw declined(decline, candidate);
        }
        await this.#take(place, quarantine, candidate);
      },
      failed: ({ bundle }, error) => {
        this.#tools.contact.signal.throwIfAborted();
        const reason = error instanceof Error ? error.message : String(error);
        this.#tools.trace('bundle-passed-over', { id: bundle.id, reason });
      },
    });
  }

  // Mirrors that hold the same list hold the same bundles, each beside its own.
  #placeOf(uri: string): BundlePlace {
    const parsed = parseGitUrl(this.#mirror.url);
    const bases = parsed.kind === 'file' ? [parsed.path] : this.#mirrors.map(({ url }) => url);
    const places = bases.map((base) => listedPlace(base, uri));
    const found = places.flatMap(({ place }) => (place === null ? [] : [place]));
    const [first] = found;
    if (first === undefined) throw badBundle(`names a bundle that ${places[0]?.refusal ?? 'is nowhere'}`);
    return parsed.kind === 'file' ? { path: first } : { urls: found };
  }

  async #brought(quarantine: Quarantine): Promise<Haul> {
    const { repository, wanted } = this.#order;
    const { exact, differing } = chooseRefs(wanted, this.#refs);
    const earlier = await presentObjects(this.#refs.values(), { env: repository.env });
    const refs = [...exact, ...differing].filter(({ oid }) => !earlier.has(oid));
    if (refs.length === 0) throw elsewhere('mirror-behind', 'has none of the wanted refs');
    const taken = new Set(refs.map(({ oid }) => oid));
    const others = [...this.#refs.values()].filter((oid) => !taken.has(oid) && !earlier.has(oid));
    const { site } = this.#mirror;
    return {
      quarantine,
      refs: refs.map((ref) => ({ ...ref, site })),
      others,
      sources: this.#sources(),
      earlier: 0,
      cuts: null,
    };
  }

  // The bundles of a list lie beside it, so their host tells whose they are.
  #sources(): Map<Mirror, number> {
    const sources = new Map<Mirror, number>();
    for (const [url, bytes] of this.#received) {
      const host = mirrorHost(url);
      const mirror = this.#mirrors.find((one) => mirrorHost(one.url) === host) ?? this.#mirror;
      sources.set(mirror, (sources.get(mirror) ?? 0) + bytes);
    }
    return sources;
  }
}

/** What git said of a pack that it has refused. */
function wordsOf(indexing: Indexing): Promise<unknown> {
  return indexing.verdict(0).catch((error: unknown) => error);
}

function declined({ reason, waits, known }: Decline, listed: Candidate | null): GamError {
  if (listed !== null) Object.assign(listed, { waits, known });
  return elsewhere('mirror-unusable', reason);
}
