import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { type AdvertisedRef, parseRefLine } from '../protocol/ls-refs.ts';
import { answerLine, isForGit } from './completion.ts';
import type { Expected } from './expected.ts';
import { write } from './flow.ts';
import type { HeldFetch } from './held-fetch.ts';
import type { ReopeningLine } from './reopening-line.ts';
import type { GitSide } from './session-events.ts';

/** Canonical's answers on their way to git: followed packet by packet, less what is not for git. */
export class FollowedAnswers {
  readonly #output: GitSide['output'];
  readonly #line: ReopeningLine;
  readonly #held: HeldFetch;
  readonly #failing: () => Promise<void>;
  #refs: AdvertisedRef[] = [];

  /** @param failing called before git hears that canonical refuses what comes before any fetch */
  constructor(output: GitSide['output'], line: ReopeningLine, held: HeldFetch, failing: () => Promise<void>) {
    this.#output = output;
    this.#line = line;
    this.#held = held;
    this.#failing = failing;
  }

  /** What canonical has answered to git's last request for refs. */
  get refs(): readonly AdvertisedRef[] {
    return this.#refs;
  }

  /** git asks for refs. */
  listing(): void {
    this.#refs = [];
  }

  /** Passes packets on; each belongs to the first request that is expected to be answered. */
  async pass(packets: readonly Packet[]): Promise<void> {
    let forGit: Buffer[] = [];
    try {
      for (const packet of packets) {
        if (this.#held.isToCome && !this.#line.current?.own && packetLine(packet)?.startsWith('ERR '))
          await this.#failing();
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
    if (packet.kind === (this.#line.connection.stateless ? 'response-end' : 'flush')) {
      this.#line.answered();
      if (current.pack) this.#held.answered();
      return true;
    }
    return this.#isForGit(packet, current);
  }

  #isForGit(packet: Packet, expected: Expected): boolean {
    if (expected.command === 'ls-refs') {
      const ref = parseRefLine(packetLine(packet) ?? '');
      if (ref) this.#refs.push(ref);
    } else if (expected.request && !expected.pack) {
      if (answerLine(packet, expected.request) === 'packfile') expected.pack = true;
      return this.#held.completion === null || isForGit(packet, expected.request);
    }
    return true;
  }
}
