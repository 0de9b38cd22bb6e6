import { PacketDecoder } from '../pkt-line/decoder.ts';
import type { Packet } from '../pkt-line/packet.ts';
import type { Advertisement } from '../protocol/advertisement.ts';
import { type FetchRequest, parseFetchRequest, requestedCommand } from '../protocol/fetch-request.ts';
import { seekPublished } from '../protocol/published-list.ts';
import type { Connection } from '../transport/connection.ts';
import { advertisementIn } from './answer-reader.ts';
import { write } from './flow.ts';
import { FollowedAnswers } from './followed-answers.ts';
import { HeldFetch } from './held-fetch.ts';
import { OwnQuestions } from './own-questions.ts';
import { passRaw } from './raw-conversation.ts';
import { ReopeningLine } from './reopening-line.ts';
import type { GitSide, SessionEnd, SessionEvents } from './session-events.ts';

/** What is expected of a request of git's. */
const ASKED = { command: null, request: null, pack: false, hides: null, own: null };

/**
 * One upload-pack conversation between git and canonical, passed through as it comes. In protocol v2 git's
 * first fetch request is held until `hold` has staged what it can; then it goes on, less what is here now, or is
 * answered from elsewhere.
 * Everything else, and every other protocol version, is not touched (gitprotocol-v2(5)).
 */
export class Session {
  readonly #git: GitSide;
  readonly #events: SessionEvents;
  readonly #line: ReopeningLine;
  readonly #held: HeldFetch;
  readonly #answers: FollowedAnswers;
  readonly #questions: OwnQuestions;
  #greeted = 0;
  #advertisement: Advertisement | null = null;
  /** True when git took its leave with all that it had asked for: how canonical's helper ends, git does not ask then. */
  #left = false;
  /** True when git wants no more. */
  #over = false;
  /** Whether git has asked for refs. */
  #listed = false;
  #finish: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(git: GitSide, canonical: Connection, events: SessionEvents) {
    this.#git = git;
    this.#events = events;
    this.#held = new HeldFetch(git.output, events);
    this.#line = new ReopeningLine(canonical, {
      batch: (packets) => this.#answers.pass(packets),
      isHeld: () => this.#held.isHeld,
      isOver: () => this.#over,
      finish: () => this.#finish(),
      fail: (error) => this.#fail(error),
      reopen: events.reopen,
    });
    this.#answers = new FollowedAnswers(git.output, this.#line, this.#held, events);
    this.#questions = new OwnQuestions(this.#line, (error) => this.#fail(error));
  }

  /** Passes everything on until canonical's line ends. */
  async run(): Promise<SessionEnd> {
    const greeting = await this.#line.greeting();
    this.#greeted = performance.now();
    if (!greeting.whole) {
      // A program that has closed its output may go on until its input ends, and git's ends only after this process.
      this.#line.connection.input.end();
      await this.#events.silent();
    } else if (!greeting.version2) await this.#events.failing();
    await write(this.#git.output, greeting.bytes);
    if (greeting.version2) {
      this.#advertisement = advertisementIn(greeting.bytes);
      await this.#converse();
    } else await passRaw(this.#git, this.#line);
    this.#line.disappoint();
    const { bytes } = this.#line;
    const exit = this.#left ? { status: 0, signal: null } : await this.#line.exit;
    const { completed } = this.#held;
    const told = completed && this.#line.needless ? { status: 0, signal: null } : exit;
    return { exit: told, completed, bytes, greeted: this.#greeted };
  }

  /** When canonical's first answer was here; on performance.now()'s clock. */
  get greeted(): number {
    return this.#greeted;
  }

  /** How canonical has greeted; null as long as it has not, and in an older protocol. */
  get advertisement(): Advertisement | null {
    return this.#advertisement;
  }

  /** Whether canonical's answers come over one line, or a connection each. */
  get stateless(): boolean {
    return this.#line.connection.stateless;
  }

  /** Ends canonical's line, and with it the session. */
  close(): void {
    this.#line.connection.close();
  }

  /** Asks canonical something of gam's own: see OwnQuestions.ask(). */
  ask(...question: Parameters<OwnQuestions['ask']>): Promise<boolean> {
    return this.#questions.ask(...question);
  }

  #converse(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
      this.#line.pass().catch(reject);
      this.#passRequests().catch(reject);
    });
  }

  // Reads on while a request is held, so that git's going away is seen at once.
  async #passRequests(): Promise<void> {
    const decoder = new PacketDecoder();
    let handled: Promise<void> = Promise.resolve();
    let request: Packet[] = [];
    for await (const chunk of this.#git.input) {
      for (const packet of decoder.push(chunk as Buffer)) {
        request.push(packet);
        if (packet.kind !== 'flush') continue;
        const whole = request;
        request = [];
        handled = handled.then(() => this.#handle(whole));
        handled.catch(this.#fail);
      }
    }
    if (this.#held.isHolding) this.#events.hungUp();
    await handled;
    this.#events.leaving();
    await this.#line.end();
    this.#events.closed(this.#greeted);
    const { leave } = this.#line.connection;
    const served = this.#line.current === null && (this.#held.isToCome || this.#held.completed);
    if (served && leave !== null) {
      leave();
      this.#left = true;
    }
    this.#over = true;
    if (this.#left || this.#line.gone) this.#finish();
  }

  async #handle(packets: Packet[]): Promise<void> {
    const command = requestedCommand(packets);
    // git takes its leave, of a canonical that has hung up while it was not needed.
    if (command === null && this.#line.gone && this.#held.completed) return;
    const request = parseFetchRequest(packets);
    if (command !== null) this.#questions.wording = request.capabilities.slice(1);
    if (command === 'fetch') return this.#fetch(request, packets);
    if (command === 'ls-refs') return this.#list(packets);
    await this.#line.send(packets, { ...ASKED, command });
  }

  async #list(packets: readonly Packet[]): Promise<void> {
    this.#answers.listing();
    if (!this.#listed) await this.#events.listing();
    this.#listed = true;
    const command = 'ls-refs';
    if (!this.#events.seeks()) return this.#line.send(packets, { ...ASKED, command });
    const sought = seekPublished(packets);
    await this.#line.send(sought.packets, { ...ASKED, command, hides: sought.hides });
  }

  async #fetch(request: FetchRequest, packets: readonly Packet[]): Promise<void> {
    const taken = await this.#held.take(request, packets, {
      refs: this.#answers.refs,
      has: (oids) => this.#questions.has(request, oids),
      stateless: () => this.stateless,
    });
    if (taken === 'answered') this.#line.spare();
    if (typeof taken === 'string') this.#events.served();
    else await this.#line.send(taken, { ...ASKED, command: 'fetch', request });
  }
}
