import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { Quarantine } from '../git/quarantine.ts';
import { hasRefs } from '../git/refs.ts';
import { findRepository, type Repository } from '../git/repository.ts';
import { gitVersion, isAtLeast, OLDEST_GIT, STATELESS_GIT } from '../git/version.ts';
import { isWithinWanted, type NamedOid } from '../mirror/choose.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { type MirrorLine, openMirror } from '../transport/mirror-line.ts';
import { bringIn } from './bring-in.ts';
import { type HelperContext, stageTools } from './context.ts';
import { listMirrorRefs } from './mirror-refs.ts';
import { passingOver, refuse } from './passing-over.ts';
import { type Brought, fetchingFrom } from './stage.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/** What a clone asks for, nearly always. */
const FOLDERS = ['refs/heads/', 'refs/tags/'];

/** How much of what a mirror says is kept until it is clear whether the user is to see it. */
const LONGEST_TEXT = 4096;

/** What a mirror offers, while its objects come. */
interface Offer {
  mirror: Mirror;
  line: MirrorLine;
  refs: NamedOid[];
}

/** How a head start came out. */
export interface HeadStartEnd {
  /** Null when it was not taken up, or no mirror was of use. */
  brought: Brought | null;
  /** Mirrors that failed; the user has been told. */
  passedOver: ReadonlySet<Mirror>;
}

/**
 * A head start for clones: three round trips pass until canonical has said what it has and git what it wants of
 * that, and a near mirror may be half done by then. Into a repository without any ref everything under refs/heads/
 * and refs/tags/ of the first mirror that answers is brought on a guess, into a quarantine. It is taken up only
 * when git's request turns out to be for just that; nothing was changed and nothing told if it is not.
 */
export class HeadStart {
  readonly #mirrors: readonly Mirror[];
  readonly #progress: boolean;
  readonly #cwd: string;
  readonly #tools: StageTools;
  readonly #giveUp = new AbortController();
  readonly #passedOver = new Map<Mirror, string>();
  #running: Promise<Brought | null> = Promise.resolve(null);
  #offer: Offer | null = null;
  #order: StageOrder | null = null;
  #told = 0;
  /** What is drawn meanwhile; null once it goes to the terminal. */
  #drawn: string | null = '';

  /** @param progress whether git shows how it gets on */
  constructor(mirrors: readonly Mirror[], progress: boolean, cwd: string, tools: StageTools) {
    this.#mirrors = mirrors;
    this.#progress = progress;
    this.#cwd = cwd;
    const signal = AbortSignal.any([tools.contact.signal, this.#giveUp.signal]);
    this.#tools = { ...tools, contact: { ...tools.contact, signal } };
  }

  /** Starts, in a repository that has nothing yet. To be called as soon as git opens the line to canonical. */
  begin(): void {
    if (this.#mirrors.length > 0) this.#running = this.#run().catch(() => null);
  }

  /** Waits for what comes, if that is what is ordered; gives up at once if it is not. */
  async adopt(order: StageOrder): Promise<HeadStartEnd> {
    this.#order = order;
    this.#judge();
    const brought = await this.#running;
    this.#running = Promise.resolve(null);
    this.#tell();
    const passedOver = new Set(this.#passedOver.keys());
    if (brought === null || !this.#tools.contact.signal.aborted) return { brought, passedOver };
    await brought.quarantine.remove();
    return { brought: null, passedOver };
  }

  /** Gives up, and waits until nothing of it is left. Does nothing to what was taken up. */
  async abandon(): Promise<void> {
    this.#giveUp.abort();
    const brought = await this.#running;
    this.#running = Promise.resolve(null);
    await brought?.quarantine.remove();
  }

  async #run(): Promise<Brought | null> {
    const { env } = this.#tools.contact;
    const gitDir = env['GIT_DIR'];
    if (gitDir === undefined || env['GIT_ALTERNATE_OBJECT_DIRECTORIES'] !== undefined) return null;
    if (await hasRefs(resolve(this.#cwd, gitDir), { env, cwd: this.#cwd })) return null;
    this.#tools.trace('head-start');
    // While the mirror's line is opened.
    const repository = this.#repository();
    for (const mirror of this.#mirrors) {
      try {
        return await this.#bring(mirror, repository);
      } catch (error) {
        this.#offer = null;
        this.#tools.contact.signal.throwIfAborted();
        this.#passedOver.set(mirror, passingOver(mirror, error, this.#tools));
        // From here on what git wants is known, and nothing is left to be guessed.
        if (this.#order !== null) return null;
      }
    }
    return null;
  }

  /** Null where git cannot stage, or has another repository's objects to build on. */
  async #repository(): Promise<Repository | null> {
    const { env } = this.#tools.contact;
    const [repository, version] = await Promise.all([
      findRepository(env, this.#cwd).catch(() => null),
      gitVersion({ env, cwd: this.#cwd }).catch(() => OLDEST_GIT),
    ]);
    if (repository === null || !isAtLeast(version, STATELESS_GIT)) return null;
    return existsSync(join(repository.objects, 'info/alternates')) ? null : repository;
  }

  async #bring(mirror: Mirror, found: Promise<Repository | null>): Promise<Brought> {
    refuse(mirror);
    const { contact, trace, pid } = this.#tools;
    trace('mirror-try', { site: mirror.site });
    const line = await openMirror(mirror.url, contact);
    try {
      trace('mirror-open', { site: mirror.site, ms: Math.round(line.latency) });
      const format = objectFormat(line.advertisement);
      // A clone that turns out to be of another format learns so from canonical only, and after this.
      const own = lastValue(contact.entries, 'extensions', null, 'objectformat') ?? 'sha1';
      const repository = await found;
      if (repository === null || format !== own) return this.#decline();
      const offered = await listMirrorRefs(line, FOLDERS, format, contact.settings).catch(
        (error: unknown) => {
          // So many are asked for by their names, once git has said which it wants.
          if (error instanceof GamError && error.code === 'mirror-endless') return this.#decline();
          throw error;
        },
      );
      const refs = [...offered].map(([name, oid]) => ({ name, oid }));
      if (refs.length === 0) throw elsewhere('mirror-behind', 'has none of the wanted refs');
      this.#offer = { mirror, line, refs };
      this.#judge();
      contact.signal.throwIfAborted();
      const quarantine = await Quarantine.open(repository.objects, pid);
      trace('quarantine-opened', { folder: quarantine.folder });
      try {
        await this.#fetch(this.#offer, format, repository, quarantine);
        return { mirror, refs, quarantine, bytes: line.source.bytes };
      } catch (error) {
        await quarantine.remove();
        throw error;
      }
    } finally {
      line.close();
    }
  }

  #decline(): never {
    this.#giveUp.abort();
    throw this.#giveUp.signal.reason;
  }

  async #fetch(
    { line, refs }: Offer,
    format: string,
    repository: Repository,
    quarantine: Quarantine,
  ): Promise<void> {
    const order: StageOrder = {
      repository,
      wanted: refs,
      format,
      peeled: new Map(),
      clone: true,
      includeTag: false,
      progress: this.#progress,
    };
    // The user sees it when it is clear that git wants all this.
    const report = {
      line: () => undefined,
      progress: (text: string) => {
        if (this.#drawn !== null) this.#drawn = (this.#drawn + text).slice(-LONGEST_TEXT);
        else this.#tools.report.progress(text);
      },
    };
    const oids = new Set(refs.map(({ oid }) => oid));
    await bringIn(refs, oids, { line, order, quarantine, tools: { ...this.#tools, report } });
  }

  // Called when either side is known, the order or the offer; acts once both are.
  #judge(): void {
    if (this.#order === null || this.#offer === null || this.#giveUp.signal.aborted) return;
    const { mirror, line, refs } = this.#offer;
    const { wanted, clone } = this.#order;
    const taken = clone && isWithinWanted(refs, wanted);
    this.#tools.trace(taken ? 'head-start-taken' : 'head-start-dropped', { site: mirror.site });
    if (!taken) return this.#giveUp.abort();
    this.#tell();
    this.#tools.report.line(fetchingFrom(mirror, line));
    this.#tools.report.progress(this.#drawn ?? '');
    this.#drawn = null;
  }

  #tell(): void {
    for (const words of [...this.#passedOver.values()].slice(this.#told)) this.#tools.report.line(words);
    this.#told = this.#passedOver.size;
  }
}

/** Begins a head start, where mirrors can be of use; one that brings nothing where they cannot. */
export function beginHeadStart(context: HelperContext): HeadStart {
  const { process: own, mirrors, cuts, progress } = context;
  const headStart = new HeadStart(cuts ? [] : mirrors, progress, own.cwd, stageTools(context));
  headStart.begin();
  return headStart;
}
