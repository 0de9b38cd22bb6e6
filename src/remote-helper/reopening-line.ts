import type { Exit } from '../git/process.ts';
import type { Packet } from '../pkt-line/packet.ts';
import type { Connection } from '../transport/connection.ts';
import { AnswerReader, type Greeting } from './answer-reader.ts';
import type { Expected } from './expected.ts';
import { write } from './flow.ts';

/** What a line needs from outside. */
export interface LineEvents {
  /** Takes packets as they come; the first request that is expected is the one that they answer. */
  batch(packets: readonly Packet[]): Promise<void>;
  /** Whether git's request is being held or answered without canonical: then nobody waits for this line. */
  isHeld(): boolean;
  /** Whether git wants no more. */
  isOver(): boolean;
  /** The conversation is at its end, well or not. */
  finish(): void;
  fail(error: unknown): void;
  reopen(): Promise<Connection>;
}

/**
 * Canonical's line, and what is expected of it. Where it ends while nobody needs it, or at a question of gam's own, it is
 * opened anew for the next request: v2 commands do not depend on one another (gitprotocol-v2(5)).
 */
export class ReopeningLine {
  readonly #events: LineEvents;
  #connection: Connection;
  #answers: AnswerReader;
  #expected: Expected[] = [];
  #gone = false;
  /** True when canonical hung up while a request was held, and has not been needed since. */
  #idle = false;
  /** True when the last request was answered without canonical. */
  #spared = false;
  /** True when the line broke at a question aside: the next request is worth another one, of whichever kind. */
  #aside = false;
  /** While canonical's line is opened again. */
  #opening: Promise<void> = Promise.resolve();
  #bytesBefore = 0;

  constructor(connection: Connection, events: LineEvents) {
    this.#connection = connection;
    this.#answers = new AnswerReader(connection);
    this.#events = events;
  }

  /** The line as it is now. */
  get connection(): Connection {
    return this.#connection;
  }

  /** Whether it has ended, and is not open again. */
  get gone(): boolean {
    return this.#gone;
  }

  /** Whether it has ended for good: nothing that is sent now can be answered. */
  get lost(): boolean {
    return this.#gone && !this.#canOpenAgain;
  }

  /** Whether nothing was left to ask for when it ended: how it did so does not matter. */
  get needless(): boolean {
    return this.#idle || this.#spared;
  }

  /** The request whose answer comes now; null where none is expected. */
  get current(): Expected | null {
    return this.#expected[0] ?? null;
  }

  /** Bytes that canonical has sent over all lines. */
  get bytes(): number {
    return this.#bytesBefore + this.#answers.bytes;
  }

  get exit(): Promise<Exit> {
    return this.#connection.exit;
  }

  /** Reads how canonical greets. */
  greeting(): Promise<Greeting> {
    return this.#answers.greeting();
  }

  /** The next bytes, where no packets are expected; null at the end. */
  chunk(): Promise<Buffer | null> {
    return this.#answers.chunk();
  }

  /** Passes answers on until the line ends. */
  async pass(): Promise<void> {
    const answers = this.#answers;
    try {
      for await (const packets of answers.batches()) await this.#events.batch(packets);
    } catch (error) {
      // Not git's language; what git asked for is another matter.
      if (!this.#expected[0]?.own?.aside) throw error;
      this.drop();
    }
    this.#gone = true;
    const [first] = this.#expected;
    const left = this.#expected.filter(({ own }) => own === null);
    this.disappoint();
    this.#expected = [];
    this.#aside = first?.own?.aside === true;
    this.#idle = this.#aside || this.#events.isHeld();
    if (!this.#idle || this.#events.isOver()) this.#events.finish();
    // What was asked behind the question has not been answered.
    else if (this.#aside) for (const expected of left) await this.send(expected.packets, expected);
  }

  /** Sends a request, over another line where this one has ended; nothing where that cannot be. */
  async send(packets: readonly Packet[], expected: Omit<Expected, 'packets'>): Promise<void> {
    await this.#opening;
    if (this.#gone) {
      this.#idle = false;
      // Where no line can be opened again, git's own helper has died, and git will learn how.
      if (!this.#canOpenAgain) return this.#events.finish();
      this.#opening = this.#openAgain();
      await this.#opening;
    }
    if (expected.command !== null) {
      this.#spared = false;
      this.#expected.push({ ...expected, packets });
    }
    await write(this.#connection.input, ...packets.map((packet) => packet.raw));
  }

  /** Ends what is sent over it, behind all that was to be sent until now. */
  async end(): Promise<void> {
    await this.#opening;
    this.#connection.input.end();
  }

  /** git's last request was answered without it. */
  spare(): void {
    this.#spared = true;
  }

  /** The answer that comes now is at its end. */
  answered(): void {
    this.#expected.shift();
  }

  /** Tells the questions that are left that there is no answer. */
  disappoint(): void {
    for (const { own } of this.#expected) own?.heard(false);
  }

  /** Leaves the line as it is. */
  drop(): void {
    this.#connection.close();
    this.#connection.output.destroy();
  }

  /** Where each request has a connection of its own, what breaks is for git to hear; but not of a question that was not git's. */
  get #canOpenAgain(): boolean {
    return !this.#connection.stateless || this.#aside;
  }

  // Servers hang up on a line that is idle for minutes while a mirror works; the next request goes over a new line, whose
  // greeting git does not see.
  async #openAgain(): Promise<void> {
    this.#bytesBefore += this.#answers.bytes;
    this.#connection = await this.#events.reopen();
    this.#answers = new AnswerReader(this.#connection);
    this.#gone = false;
    this.#aside = false;
    await this.#answers.greeting();
    this.pass().catch((error: unknown) => this.#events.fail(error));
  }
}
