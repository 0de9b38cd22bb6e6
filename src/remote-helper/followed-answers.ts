import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { type AdvertisedRef, parseRefLine } from '../protocol/ls-refs.ts';
import { PUBLISHED_REF } from '../protocol/published-list.ts';
import { answerLine, isForGit } from './completion.ts';
import type { Expected } from './expected.ts';
import { write } from './flow.ts';
import type { HeldFetch } from './held-fetch.ts';
import type { ReopeningLine } from './reopening-line.ts';
import type { GitSide, SessionEvents } from './session-events.ts';

type Events = Pick<SessionEvents, 'failing' | 'listed' | 'served'>;

/** Canonical's answers on their way to git: followed packet by packet, less what is not for git. */
export class FollowedAnswers {
  readonly #output: GitSide['output'];
  readonly #line: ReopeningLine;
  readonly #held: HeldFetch;
  readonly #events: Events;
  #refs: AdvertisedRef[] = [];
  /** Where a list is published, by what has come of the refs; undefined where canonical has refused to tell them. */
  #published: string | null | undefined = null;

  constructor(output: GitSide['output'], line: ReopeningLine, held: HeldFetch, events: Events) {
    this.#output = output;
    this.#line = line;
    this.#held = held;
    this.#events = events;
  }

  /** What canonical has answered to git's last request for refs. */
  get refs(): readonly AdvertisedRef[] {
    return this.#refs;
  }

  /** git asks for refs. */
  listing(): void {
    this.#refs = [];
    this.#published = null;
  }

  /** Passes packets on; each belongs to the first request that is expected to be answered. */
  async pass(packets: readonly Packet[]): Promise<void> {
    let forGit: Buffer[] = [];
    try {
      for (const packet of packets) {
        if (this.#held.isToCome && !this.#line.current?.own && packetLine(packet)?.startsWith('ERR '))
          await this.#events.failing();
        if (this.#held.completion !== null && this.#line.current?.pack && packet.kind === 'flush') {
          await write(this.#output, ...forGit);
          forGit = [];
          await this.#held.end();
        }
        if (this.#note(packet)) forGit.push(packet.raw);
      }
    } finally {
      // Also what came before a packet that ends the line.
      await write(this.#output, ...forGit);
    }
  }

  /** Follows an answer packet by packet; false for one that git must not see. */
  #note(packet: Packet): boolean {
    const { current } = this.#line;
    if (!current) return true;
    if (current.own) {
      if (current.own.follow(packet, this.#line.connection)) this.#line.answered();
      return false;
    }
    // A line that breaks off has told nothing of what is not there.
    if (packet.kind === 'flush' && current.hides && this.#published !== undefined)
      this.#events.listed(this.#published);
    if (packet.kind === (this.#line.connection.stateless ? 'response-end' : 'flush')) {
      this.#line.answered();
      if (current.pack) {
        this.#held.answered();
        this.#events.served();
      }
      return true;
    }
    return this.#isForGit(packet, current);
  }

  #isForGit(packet: Packet, expected: Expected): boolean {
    if (expected.command === 'ls-refs') {
      const line = packetLine(packet) ?? '';
      const ref = parseRefLine(line);
      if (line.startsWith('ERR ')) this.#published = undefined;
      else if (ref?.name === PUBLISHED_REF) this.#published = ref.oid;
      if (ref && expected.hides?.(ref.name)) return false;
      if (ref) this.#refs.push(ref);
    } else if (expected.request && !expected.pack) {
      if (answerLine(packet, expected.request) === 'packfile') expected.pack = true;
      return this.#held.completion === null || isForGit(packet, expected.request);
    }
    return true;
  }
}
