import { resolve } from 'node:path';
import type { GamError } from '../errors.ts';
import { isOnDemand } from '../git/on-demand.ts';
import { gitCommandWords } from '../git/parent.ts';
import { hasRefs } from '../git/refs.ts';
import { isDue, isToBeTold, type KeptList } from '../mirror/kept-list.ts';
import { stateLine } from '../mirror/list-lines.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { commandName } from '../protocol/command-words.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';
import { badMirrorList, type MirrorList, parseMirrorList } from '../protocol/mirror-list.ts';
import { listedVariable, MIRROR_LIST, writeMirrorListRequest } from '../protocol/mirror-list-request.ts';
import { keepList, keepMore, keepNone, keepSilence, keepTold, type ListOwner } from '../state/keep-list.ts';
import { mayHaveList } from '../state/unlisted.ts';
import type { HelperContext } from './context.ts';
import { knownMirrors } from './known-mirrors.ts';
import type { Session } from './session.ts';
import { storeAdvice } from './store-advice.ts';

/** A list takes a few kilobytes; one of a thousand mirrors 200. */
const LONGEST_ANSWER = 1024 ** 2;

/** So often more mirrors are asked for in one fetch. */
const MOST_ROUNDS = 2;

/** A question that is on its way. */
export interface Asking {
  /** Settles when the answer is here, and what it says known, or when there is none. */
  over: Promise<void>;
}

/** What is needed of a session. */
type Line = Pick<Session, 'advertisement' | 'stateless' | 'ask'>;

/**
 * Whether canonical is to be watched for a list of mirrors (protocol v2, `mirror-list`): where git works in a repository,
 * and that canonical has none is not known. What a partial clone turns out to need comes in hundreds of fetches, which go
 * without.
 */
export function mayAsk({
  process: own,
  settings,
  canonicalUrl,
}: Pick<HelperContext, 'process' | 'settings' | 'canonicalUrl'>): boolean {
  if (own.env['GIT_DIR'] === undefined || isOnDemand(own.env)) return false;
  return settings.acceptMirrorUrl.length > 0 && mayHaveList(canonicalUrl, own.env);
}

/**
 * Canonical's own list of its mirrors: asked for over canonical's line, unseen by git, at most once in the time for which a
 * list is good, and not at all by a fetch that finds nothing. Whatever is wrong with it is a line in the trace.
 */
export class ServerList {
  readonly #context: HelperContext;
  #kept: KeptList | null;
  #rounds = 0;
  #asking: Promise<void> | null = null;
  #none = false;

  constructor(context: HelperContext) {
    this.#context = context;
    this.#kept = context.listed;
  }

  /**
   * Before git's first request for refs: asks where that is worth it already. Over one line it costs nothing, since the
   * answers come together; over the web it is a round trip, which a clone that knows no mirror wins back.
   *
   * @returns null when nothing was asked
   */
  async beforeRefs(line: Line): Promise<Asking | null> {
    const { mirrors, process: own, deferred } = this.#context;
    if (deferred || line.advertisement === null) return null;
    if (!line.advertisement.capabilities.has(MIRROR_LIST)) {
      this.#none = true;
      return null;
    }
    if (!this.#isDue()) return null;
    if (line.stateless && mirrors.length > 0) return null;
    if (line.stateless && (await hasRefs(resolve(own.cwd, own.env['GIT_DIR'] ?? ''), own))) return null;
    // Who only lists has no use for mirrors, and the helper hears the same words.
    const command = commandName(await gitCommandWords(own.ppid));
    if (command === 'ls-remote' || command === 'remote') return null;
    return { over: this.#begin(line) };
  }

  /**
   * When git has said what it wants: asks if that was not done before. Waits only where no mirror is known; else it is
   * answered while a mirror sends.
   */
  async beforeStaging(line: Line): Promise<void> {
    const { deferred, mirrors } = this.#context;
    const has = line.advertisement?.capabilities.has(MIRROR_LIST) ?? false;
    if (has && !deferred && this.#isDue()) void this.#begin(line);
    if (mirrors.length === 0) await this.#asking;
  }

  /** Waits for an answer that is still to come; what git asks next would come behind it anyway. */
  async answered(): Promise<void> {
    await this.#asking;
  }

  /** Canonical speaks an older protocol, in which there are no lists. */
  lacks(): void {
    this.#none = true;
  }

  /**
   * When git's request is held, and all mirrors that are known have failed: asks for more where canonical has some, twice
   * at most.
   *
   * @returns those that have come; none where there are no more, or some have not failed
   */
  async more(line: Line): Promise<readonly Mirror[]> {
    const { notes, mirrors, mayList } = this.#context;
    const kept = this.#kept;
    if (kept === null || kept.more === 0 || !mayList || this.#rounds === MOST_ROUNDS) return [];
    if (!line.advertisement?.capabilities.has(MIRROR_LIST)) return [];
    const failed = new Set(notes.filter(({ seen }) => seen.kind === 'failure').map(({ url }) => url));
    if (mirrors.some(({ url, refusal }) => refusal === null && !failed.has(url))) return [];
    this.#rounds += 1;
    const before = new Set(mirrors);
    await this.#ask(line, kept.listed);
    return this.#context.mirrors.filter((mirror) => !before.has(mirror));
  }

  /** Tells what canonical says of itself, once a day. */
  async tell(): Promise<void> {
    const kept = this.#kept;
    if (kept === null || !this.#context.mayList || !isToBeTold(kept, Date.now())) return;
    const line = stateLine(kept);
    if (line === null) return;
    this.#context.report.line(line);
    await keepTold(this.#owner);
  }

  /** Has the repository's configuration say what canonical advises for good (storeAdvice()); git must be waiting. */
  async advise(): Promise<void> {
    if (this.#kept !== null && this.#context.mayList) await storeAdvice(this.#context, this.#kept);
  }

  /**
   * Remembers that there is no list, so that the next fetch need not look.
   * @param looked whether it is known what is published there
   */
  settle(looked: boolean): void {
    if (!this.#none || !this.#context.mayList) return;
    this.#none = false;
    this.#kept = null;
    keepNone(this.#owner, looked);
  }

  get #owner(): ListOwner {
    const { canonicalUrl, settings, process: own } = this.#context;
    return { canonicalUrl, accepted: settings.acceptMirrorUrl, env: own.env };
  }

  #isDue(): boolean {
    return this.#context.mayList && isDue(this.#kept, Date.now());
  }

  #begin(line: Line): Promise<void> {
    this.#asking ??= this.#ask(line, 0);
    return this.#asking;
  }

  /** @param skip how many of the list's beginning are known */
  async #ask(line: Line, skip: number): Promise<void> {
    const { process: own, trace, settings } = this.#context;
    trace('list-asked', { skip });
    const started = performance.now();
    try {
      const list = await request(line, skip, settings.connectTimeout, own.interrupt.signal);
      trace('list', {
        mirrors: list.mirrors.length,
        more: list.more,
        ms: Math.round(performance.now() - started),
      });
      const before = this.#kept;
      const isMore = skip > 0 && before !== null;
      const kept = isMore ? await keepMore(before, list, this.#owner) : await keepList(list, this.#owner);
      this.#kept = kept;
      this.#take(kept);
    } catch (error) {
      if (own.interrupt.signal.aborted) return;
      trace('list-failed', { why: error instanceof Error ? error.message : String(error) });
      await keepSilence(this.#owner);
    }
  }

  // Those that are known already stay the same to whoever has them in hand.
  #take(list: KeptList): void {
    const { mirrors: before, process: own, ...asked } = this.#context;
    const all = knownMirrors({ ...asked, env: own.env }, list, asked.published);
    const added = all.filter(({ url }) => !before.some((mirror) => mirror.url === url));
    this.#context.mirrors = [...before, ...added];
  }
}

async function request(
  line: Line,
  skip: number,
  patience: number,
  interrupt: AbortSignal,
): Promise<MirrorList> {
  const variables: (readonly [string, string])[] = [];
  let bytes = 0;
  let why: GamError | null = null;
  const packet = (one: Packet) => {
    bytes += one.kind === 'data' ? one.raw.length : 0;
    if (bytes > LONGEST_ANSWER) {
      why = badMirrorList('has no end');
      throw why;
    }
    const variable = parseRefLine(packetLine(one) ?? '') === null ? listedVariable(one) : null;
    if (variable !== null) variables.push(variable);
    else if (one.kind === 'data' || variables.length === 0) {
      // Such as the answer to what git asked behind it, from a server that passes over what it does not know.
      why = badMirrorList('is none');
      throw why;
    }
  };
  const late = new AbortController();
  const timer = setTimeout(() => {
    why = badMirrorList(`was not here within ${patience / 1000} s`);
    late.abort();
  }, patience);
  const write = (wording: readonly string[]) => writeMirrorListRequest({ url: null, skip }, wording);
  try {
    const answered = await line.ask(write, { packet }, AbortSignal.any([late.signal, interrupt]));
    if (!answered) throw why ?? badMirrorList('was refused');
    return parseMirrorList(variables);
  } finally {
    clearTimeout(timer);
  }
}
