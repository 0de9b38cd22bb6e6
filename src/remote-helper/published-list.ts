import { GamError } from '../errors.ts';
import { readPublishedList } from '../git/published-list.ts';
import { findRepository } from '../git/repository.ts';
import { isDue, isUnread } from '../mirror/kept-list.ts';
import type { Packet } from '../pkt-line/packet.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import { PublishedAnswer, writePublishedRequest } from '../protocol/published-list.ts';
import type { ListOwner } from '../state/keep-list.ts';
import { dropPublished, keepConfirmed, keepPublished, keepUnread } from '../state/keep-published.ts';
import { unmarkUnlisted } from '../state/unlisted.ts';
import type { HelperContext } from './context.ts';
import type { Session } from './session.ts';

/** What is needed of a session. */
type Line = Pick<Session, 'advertisement' | 'ask'>;

/**
 * The list that is published at canonical's refs/meta/mirrors. Where it stands comes along with git's own refs; where that is
 * another commit than the one that was read last, it is read behind git's answer, for the next fetch. Whatever is wrong with
 * it is a line in the trace.
 */
export class PublishedList {
  readonly #context: HelperContext;
  /** Where it stands; null where nothing is published, undefined as long as canonical has not said. */
  #commit: string | null | undefined = undefined;
  /** Whether that is another list than what is kept. */
  #isNew = false;
  #busy: Promise<void> = Promise.resolve();
  readonly #giveUp = new AbortController();
  readonly #late = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isAsked = false;
  #isServed = false;

  constructor(context: HelperContext) {
    this.#context = context;
  }

  /** Whether canonical's refs are to be looked through for it. */
  get isSought(): boolean {
    return this.#context.mayList;
  }

  /** Whether it is known what is published: the list that is kept, or nothing. */
  get isKnown(): boolean {
    return this.#commit !== undefined && !this.#isNew;
  }

  /** Canonical has told its refs. @param commit where the list is; null where none is published */
  listed(commit: string | null): void {
    const { published, trace } = this.#context;
    this.#commit = commit;
    this.#isNew = commit !== null && commit !== published?.commit;
    if (published === null || this.#isNew) return;
    if (commit === null) {
      trace('published-gone');
      dropPublished(this.#owner);
      this.#context.published = null;
    } else if (isDue(published, Date.now())) this.#busy = keepConfirmed(this.#owner);
  }

  /** Canonical speaks an older protocol, in which the list is not looked for. */
  lacks(): void {
    this.#commit = null;
  }

  /** git has asked for objects, and will ask nothing more: reads a list that is new, behind the answer to git. */
  leaving(line: Line): void {
    const commit = this.#commit ?? null;
    if (!this.#isNew || commit === null || !isUnread(this.#context.published, commit, Date.now())) return;
    const features = line.advertisement?.capabilities.get('fetch')?.split(' ') ?? [];
    if (!features.includes('shallow')) return;
    this.#isAsked = true;
    this.#busy = this.#read(line, commit);
    this.#countDown();
  }

  /** git has its answer, which may take hours; the answer behind it may take no longer than that of a mirror. */
  served(): void {
    this.#isServed = true;
    this.#countDown();
  }

  /** Waits for what is being read, and has node look again where something new is left. */
  async settle(): Promise<void> {
    await this.#busy;
    const { canonicalUrl, process: own } = this.#context;
    if (this.#isNew) unmarkUnlisted(canonicalUrl, own.env);
  }

  /** Ends it at once, as when the conversation has failed. */
  async abandon(): Promise<void> {
    this.#giveUp.abort();
    await this.#busy;
  }

  get #owner(): ListOwner {
    const { canonicalUrl, settings, process: own } = this.#context;
    return { canonicalUrl, accepted: settings.acceptMirrorUrl, env: own.env };
  }

  #countDown(): void {
    if (!this.#isServed || !this.#isAsked || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => this.#late.abort(), this.#context.settings.connectTimeout);
  }

  get #signal(): AbortSignal {
    return AbortSignal.any([this.#context.process.interrupt.signal, this.#giveUp.signal]);
  }

  async #read(line: Line, commit: string): Promise<void> {
    const { trace } = this.#context;
    trace('published-asked', { commit });
    const started = performance.now();
    let list: MirrorList | null = null;
    try {
      list = await this.#list(line, commit);
    } catch (error) {
      if (this.#signal.aborted) return;
      trace('published-failed', { why: error instanceof Error ? error.message : String(error) });
      // Another time there may be an answer, or room on the disk; the same commit never has another list.
      if (!(error instanceof GamError && error.code === 'bad-mirror-list')) return keepUnread(this.#owner);
    }
    const { mirrors } = await keepPublished(list, commit, this.#owner);
    this.#isNew = false;
    trace('published', { mirrors: mirrors.length, ms: Math.round(performance.now() - started) });
  }

  async #list(line: Line, commit: string): Promise<MirrorList> {
    const { process: own } = this.#context;
    const repository = findRepository(own.env, own.cwd);
    if (repository === null || line.advertisement === null)
      throw new GamError('canonical-failed', 'there is no place to read it');
    const pack = await this.#request(line, commit);
    const place = { objects: repository.objects, env: own.env, pid: own.pid, signal: this.#signal };
    return readPublishedList(pack, commit, objectFormat(line.advertisement), place);
  }

  async #request(line: Line, commit: string): Promise<Buffer> {
    const answer = new PublishedAnswer();
    let why: unknown = new GamError('canonical-failed', 'canonical did not answer');
    const packet = (one: Packet) => {
      try {
        answer.packet(one);
      } catch (error) {
        why = error;
        throw error;
      }
    };
    const write = (wording: readonly string[]) => writePublishedRequest(commit, wording);
    const end = AbortSignal.any([this.#signal, this.#late.signal]);
    try {
      if (await line.ask(write, { packet }, end)) return answer.pack;
      throw why;
    } finally {
      this.#isAsked = false;
      clearTimeout(this.#timer);
    }
  }
}
