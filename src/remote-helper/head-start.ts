import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lastValue, parseBoolean } from '../config/entries.ts';
import { hasRefs } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { CLONED } from '../mirror/ask-ahead.ts';
import { isWithinWanted, type NamedOid } from '../mirror/choose.ts';
import { prefersMirrors } from '../mirror/kept-list.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { openMirror } from '../transport/mirror-line.ts';
import { isBundleMirror } from './bundle-mirror.ts';
import { type HelperContext, stageTools } from './context.ts';
import { type Haul, openHaul } from './haul.ts';
import { haulRefs } from './haul-refs.ts';
import { packPatience } from './outpaced.ts';
import { type Answer, Race, type Winner } from './race.ts';
import { type RaceAhead, type Remote, raceAhead, takenUp } from './race-ahead.ts';
import { Aside } from './report.ts';
import { fetchingFrom } from './stage.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/** How a head start came out. */
export interface HeadStartEnd {
  /** Null when it was not taken up, or no mirror was of use. */
  haul: Haul | null;
  /** Whether the haul is all that was offered; else a mirror broke off, and the next may go on from there. */
  whole: boolean;
  /** Mirrors that failed; the user has been told. */
  passedOver: ReadonlySet<Mirror>;
  /** A race that runs already, among all servers before the first bundle; to be taken over. */
  race: Race | null;
}

const NOTHING: HeadStartEnd = { haul: null, whole: false, passedOver: new Set(), race: null };

/**
 * A head start for clones: three round trips pass until canonical has said what it has and git what it wants of
 * that, and a near mirror may be half done by then. Into a repository without any ref everything under refs/heads/
 * and refs/tags/ of the first mirror that answers is brought on a guess, into a quarantine. It is taken up only
 * when git's request turns out to be for just that; nothing was changed and nothing told if it is not. Where there are
 * refs, mirrors are at most asked for theirs (`race-ahead.ts`).
 */
export class HeadStart {
  readonly #mirrors: readonly Mirror[];
  readonly #progress: boolean;
  readonly #cwd: string;
  readonly #tools: StageTools;
  readonly #aside: Aside;
  readonly #race: Race;
  readonly #remote: Remote;
  #ahead: RaceAhead | null = null;
  readonly #giveUp = new AbortController();
  #running: Promise<Haul | null> = Promise.resolve(null);
  /** What a mirror offers whose objects are on their way. */
  #offer: { answer: Answer; refs: readonly NamedOid[] } | null = null;
  #whole = false;
  #abandoned: Promise<void> | null = null;
  #order: StageOrder | null = null;
  /** What the user is to be told instead of what a head start that is taken up tells. */
  #farewell: string | null = null;

  /** @param progress whether git shows how it gets on */
  constructor(mirrors: readonly Mirror[], remote: Remote, progress: boolean, cwd: string, tools: StageTools) {
    this.#mirrors = mirrors;
    this.#remote = remote;
    this.#progress = progress;
    this.#cwd = cwd;
    this.#aside = new Aside(tools.report);
    const signal = AbortSignal.any([tools.contact.signal, this.#giveUp.signal]);
    this.#tools = { ...tools, report: this.#aside, contact: { ...tools.contact, signal } };
    this.#race = new Race(mirrors, { names: CLONED, format: null }, this.#tools);
  }

  /** Starts what may be started. To be called as soon as git opens the line to canonical. */
  begin(): void {
    if (this.#mirrors.length > 0) this.#running = this.#run().catch(() => null);
  }

  /** Waits for what comes, if that is what is ordered; gives up at once if it is not. */
  async adopt(order: StageOrder): Promise<HeadStartEnd> {
    if (order.format !== this.#format()) {
      // git has changed the new repository's hash meanwhile, and what came since may have failed of that.
      await this.abandon();
      return NOTHING;
    }
    this.#order = order;
    this.#judge();
    const haul = await this.#running;
    this.#running = Promise.resolve(null);
    if (this.#ahead !== null) {
      this.#aside.open(null);
      return { ...NOTHING, race: takenUp(this.#ahead, order), passedOver: this.#ahead.race.passedOver };
    }
    this.#aside.tell();
    const { passedOver } = this.#race;
    // A mirror that broke off may have brought other refs than the next one offered.
    const fits = order.clone && isWithinWanted(haul?.refs ?? [], order.wanted);
    if (fits && !this.#tools.contact.signal.aborted)
      return { ...NOTHING, haul, whole: this.#whole, passedOver };
    await haul?.quarantine.remove();
    return { ...NOTHING, passedOver };
  }

  /**
   * Lets it come to its end although nobody will take it up: what comes whole is kept aside on the way (`haul.ts`).
   * Under `gam clone`, when canonical does not answer.
   *
   * @param announcement what the user is told when a mirror sends
   */
  async finish(announcement: string): Promise<void> {
    this.#farewell = announcement;
    this.#judge();
    const haul = await this.#running;
    this.#running = Promise.resolve(null);
    this.#aside.tell();
    await haul?.quarantine.remove();
  }

  /** Gives up, and waits until nothing of it is left. Does nothing to what was taken up. */
  abandon(): Promise<void> {
    // Whoever comes second waits, too: this process may end behind it, and what was brought must be gone by then.
    this.#abandoned ??= this.#end();
    return this.#abandoned;
  }

  async #end(): Promise<void> {
    this.#giveUp.abort();
    const haul = await this.#running;
    this.#running = Promise.resolve(null);
    this.#ahead?.race.abandon();
    await haul?.quarantine.remove();
  }

  async #run(): Promise<Haul | null> {
    const { env, signal } = this.#tools.contact;
    const gitDir = env['GIT_DIR'];
    if (gitDir === undefined || env['GIT_ALTERNATE_OBJECT_DIRECTORIES'] !== undefined) return null;
    const folder = resolve(this.#cwd, gitDir);
    if (await hasRefs(folder, { env, cwd: this.#cwd })) {
      if (!signal.aborted) this.#ahead = raceAhead(this.#remote, folder, this.#mirrors, this.#tools);
      return null;
    }
    this.#tools.trace('head-start');
    const anything = ({ refs }: Answer) => {
      if (refs.size === 0) throw elsewhere('mirror-behind', 'has none of the wanted refs');
      return 1;
    };
    let answering = this.#race.take(anything);
    // While the mirrors' lines are opened.
    const repository = this.#repository();
    let haul: Haul | null = null;
    try {
      for (let answer = await answering; answer !== null; answer = await answering) {
        try {
          const order = this.#orderOf(answer, await repository);
          haul ??= await openHaul(order, this.#tools);
          await this.#bring(answer, haul, order);
          this.#whole = true;
          break;
        } catch (error) {
          this.#offer = null;
          signal.throwIfAborted();
          this.#race.passOver(answer.mirror, error);
        }
        // Once git has said what it wants, nothing is left to be guessed.
        if (this.#order !== null) break;
        answering = this.#race.take(anything);
      }
    } catch (error) {
      await haul?.quarantine.remove();
      throw error;
    }
    return haul;
  }

  /** Null where git cannot stage, or has another repository's objects to build on. */
  async #repository(): Promise<Repository | null> {
    const place = await this.#tools.place().catch(() => null);
    if (!place?.fit || existsSync(join(place.repository.objects, 'info/alternates'))) return null;
    return place.repository;
  }

  #orderOf({ line, refs }: Answer, repository: Repository | null): StageOrder {
    const format = objectFormat(line.advertisement);
    // A clone that turns out to be of another format learns so from canonical only, and after this.
    if (repository === null || format !== this.#format()) {
      line.close();
      return this.#decline();
    }
    return {
      repository,
      wanted: branchesAndTags(refs),
      format,
      peeled: new Map(),
      haves: new Set(),
      clone: true,
      includeTag: false,
      progress: this.#progress,
    };
  }

  async #bring(answer: Winner, haul: Haul, order: StageOrder): Promise<void> {
    const { mirror, rival } = answer;
    let { line } = answer;
    const patience = packPatience(rival, this.#tools.contact.settings);
    try {
      this.#offer = { answer, refs: order.wanted };
      this.#judge();
      this.#tools.contact.signal.throwIfAborted();
      await this.#tools.hand.hold(mirror, this.#tools, async (tools) => {
        tools.contact.signal.addEventListener('abort', () => line.close());
        const reopen = async () => {
          line.close();
          line = await openMirror(mirror.url, tools.contact);
          return line;
        };
        await haulRefs(order.wanted, haul, { mirror, line, order, tools, patience, reopen });
      });
    } finally {
      line.close();
    }
  }

  /** The hash of the repository as it was at the start. */
  #format(): string {
    return lastValue(this.#tools.contact.entries, 'extensions', null, 'objectformat') ?? 'sha1';
  }

  #decline(): never {
    this.#giveUp.abort();
    throw this.#giveUp.signal.reason;
  }

  // Called when either side is known, the order or the offer; acts once both are.
  #judge(): void {
    if (this.#farewell !== null && this.#offer !== null) {
      this.#aside.open(this.#farewell);
      this.#aside.line(fetchingFrom(this.#offer.answer.mirror, this.#offer.answer.line));
      this.#farewell = null;
      return;
    }
    if (this.#order === null || this.#offer === null || this.#giveUp.signal.aborted) return;
    const { answer, refs } = this.#offer;
    const taken = this.#order.clone && isWithinWanted(refs, this.#order.wanted);
    this.#tools.trace(taken ? 'head-start-taken' : 'head-start-dropped', { site: answer.mirror.site });
    if (taken) this.#aside.open(fetchingFrom(answer.mirror, answer.line));
    else this.#giveUp.abort();
  }
}

// HEAD only where a branch is: a commit that no branch leads to is none that a clone wants.
function branchesAndTags(refs: ReadonlyMap<string, string>): NamedOid[] {
  const all = [...refs].map(([name, oid]) => ({ name, oid }));
  const branches = new Set(all.filter(({ name }) => name.startsWith('refs/heads/')).map(({ oid }) => oid));
  return all.filter(({ name, oid }) => name !== 'HEAD' || branches.has(oid));
}

/** Begins a head start, where mirrors can be of use; one that brings nothing where they cannot. */
export function beginHeadStart(context: HelperContext): HeadStart {
  const { mirrors, cuts, entries } = context;
  // A bundle waits for git's request; those behind it in the user's order must not come before it.
  const bundle = mirrors.findIndex((mirror) => isBundleMirror(mirror, entries));
  const servers = bundle < 0 ? mirrors : mirrors.slice(0, bundle);
  // What an earlier clone has brought would come a second time.
  const goesOn = context.kept?.found === true;
  const headStart = headStartOf(context, cuts || goesOn ? [] : servers);
  headStart.begin();
  return headStart;
}

/** A head start that brings nothing. */
export function noHeadStart(context: HelperContext): HeadStart {
  return headStartOf(context, []);
}

function headStartOf(context: HelperContext, mirrors: readonly Mirror[]): HeadStart {
  const { process: own, remote: name, canonicalUrl, progress, entries, listed } = context;
  const told = name === null ? undefined : lastValue(entries, 'remote', name, 'mirrorsfirst');
  const mirrorsFirst = told === undefined ? prefersMirrors(listed, Date.now()) : parseBoolean(told) === true;
  const from = { name, canonicalUrl, mirrorsFirst };
  return new HeadStart(mirrors, from, progress, own.cwd, stageTools(context));
}
