import type { Packet } from '../pkt-line/packet.ts';
import { type FetchRequest, writeFetchRequest } from '../protocol/fetch-request.ts';
import type { AdvertisedRef } from '../protocol/ls-refs.ts';
import { type Completion, completedRequest, isComplete, packAnswer } from './completion.ts';
import { write } from './flow.ts';
import type { GitSide, OwnAnswer, SessionEvents } from './session-events.ts';

/** What canonical is asked in git's place. */
export interface Truths {
  refs: readonly AdvertisedRef[];
  /** Whether canonical would send these objects. */
  has: (oids: readonly string[]) => Promise<boolean>;
  /** Whether git waits for a response-end packet behind an answer. */
  stateless: () => boolean;
}

/** git's fetch requests: the first one is held, and what came of that counts for all behind it. */
export class HeldFetch {
  readonly #output: GitSide['output'];
  readonly #events: Pick<SessionEvents, 'hold' | 'ending'>;
  #state: 'before' | 'holding' | 'answering' | 'after' = 'before';
  #completion: Completion | null = null;
  #completed = false;
  #ended = false;

  constructor(output: GitSide['output'], events: Pick<SessionEvents, 'hold' | 'ending'>) {
    this.#output = output;
    this.#events = events;
  }

  /** Whether git has not asked for objects yet. */
  get isToCome(): boolean {
    return this.#state === 'before';
  }

  /** Whether git waits for what is done without canonical. */
  get isHeld(): boolean {
    return this.#state === 'holding' || this.#state === 'answering';
  }

  /** Whether mirrors are still at work for it. */
  get isHolding(): boolean {
    return this.#state === 'holding';
  }

  /** What is here of what git wants; null where canonical's answers are for git as they are. */
  get completion(): Completion | null {
    return this.#completion;
  }

  /** Whether canonical's truth has reached git: the answer to the request that was held is through. */
  get completed(): boolean {
    return this.#completed;
  }

  /** The answer with a pack has come to its end. */
  answered(): void {
    if (this.#state === 'after') this.#completed = true;
  }

  /**
   * Takes a fetch request: holds the first one, and says what canonical is still to be asked.
   * @returns the request that is to go on; `answered` where git has its answer from elsewhere, `complete` where all was here
   */
  async take(
    request: FetchRequest,
    packets: readonly Packet[],
    { refs, has, stateless }: Truths,
  ): Promise<readonly Packet[] | 'answered' | 'complete'> {
    if (this.#state === 'before') {
      this.#state = 'holding';
      const held = await this.#events.hold(request, refs, has);
      if (held !== null && 'send' in held) return this.#answer(held, stateless());
      this.#state = 'after';
      this.#completion = held;
    }
    // What comes along with the first answer is not asked for again with a second one.
    const tags = this.#completed ? [] : (this.#completion?.tags ?? []);
    const completion = this.#completion && { ...this.#completion, tags };
    if (completion === null) return packets;
    if (!isComplete(request, completion)) return writeFetchRequest(completedRequest(request, completion));
    await this.end();
    const answer = packAnswer(request, completion.pack, stateless());
    await write(this.#output, ...answer.map((packet) => packet.raw));
    this.#completed = true;
    return 'complete';
  }

  /** Sees to what is to be done while git still waits for the end of its answer; once. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#events.ending();
  }

  async #answer(held: OwnAnswer, stateless: boolean): Promise<'answered'> {
    this.#state = 'answering';
    await held.send(this.#output, stateless);
    this.#state = 'after';
    this.#completed = true;
    return 'answered';
  }
}
