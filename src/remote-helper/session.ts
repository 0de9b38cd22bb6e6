import type { Readable, Writable } from 'node:stream';
import type { Exit } from '../git/process.ts';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import type { Advertisement } from '../protocol/advertisement.ts';
import {
  type FetchRequest,
  parseFetchRequest,
  requestedCommand,
  writeFetchRequest,
} from '../protocol/fetch-request.ts';
import { type AdvertisedRef, parseRefLine } from '../protocol/ls-refs.ts';
import type { Connection } from '../transport/connection.ts';
import { AnswerReader, advertisementIn } from './answer-reader.ts';
import {
  answerLine,
  type Completion,
  completedRequest,
  isComplete,
  isForGit,
  packAnswer,
} from './completion.ts';
import { write } from './flow.ts';
import { question } from './question.ts';

/** Where git is: what it writes, and what it reads. */
export interface GitSide {
  input: Readable;
  output: Writable;
}

/** An answer to the very request that is held, for which canonical is not needed. */
export interface OwnAnswer {
  /** @param stateless whether git waits for a response-end packet behind it */
  send(output: Writable, stateless: boolean): Promise<void>;
}

/** What a session needs from outside. */
export interface SessionEvents {
  /**
   * Called with git's first fetch request, which waits meanwhile; null when it is to go on as it is. `has` asks
   * canonical whether it would send these objects.
   */
  hold(
    request: FetchRequest,
    refs: readonly AdvertisedRef[],
    has: (oids: readonly string[]) => Promise<boolean>,
  ): Promise<Completion | OwnAnswer | null>;
  /** Called before git hears that nothing will be held: canonical fails, or speaks an older protocol. */
  failing(): Promise<void>;
  /** Called before git hears that canonical's line has ended without a greeting. */
  silent(): Promise<void>;
  /** Called when the answer to the held request is with git, all but its end; git waits meanwhile. */
  ending(): Promise<void>;
  /** Git wants no more; what is left to be done while canonical's line ends costs no time. */
  closed(greeted: number): void;
  /** Git went away while its request was held. */
  hungUp(): void;
  /** Opens canonical's line again; null where each request has a connection of its own. */
  reopen: (() => Promise<Connection>) | null;
}

/** How a session ended. */
export interface SessionEnd {
  exit: Exit;
  /** True when canonical's truth reached git: the answer to the request that was held is through. */
  completed: boolean;
  /** Bytes that canonical sent. */
  bytes: number;
  /** When canonical's first answer was here; on performance.now()'s clock. */
  greeted: number;
}

/** A request that canonical has not answered to its end. */
interface Expected {
  command: string | null;
  /** The request as git wrote it; null for anything but fetch. */
  request: FetchRequest | null;
  pack: boolean;
  /** Told whether canonical refused, for a request of gam's own, of which git sees nothing. */
  heard: ((granted: boolean) => void) | null;
}

/**
 * One upload-pack conversation between git and canonical, passed through as it comes. In protocol v2 git's
 * first fetch request is held until `hold` has staged what it can; then it goes on, less what is here now, or is
 * answered from elsewhere.
 * Everything else, and every other protocol version, is not touched (gitprotocol-v2(5)).
 */
export class Session {
  readonly #git: GitSide;
  readonly #events: SessionEvents;
  #canonical: Connection;
  #answers: AnswerReader;
  #expected: Expected[] = [];
  #refs: AdvertisedRef[] = [];
  #state: 'before' | 'holding' | 'answering' | 'after' = 'before';
  #completion: Completion | null = null;
  #completed = false;
  #ended = false;
  #greeted = 0;
  #advertisement: Advertisement | null = null;
  #gone = false;
  /** True when canonical hung up while a request was held, and has not been needed since. */
  #idle = false;
  /** True when the last request was answered without canonical. */
  #answered = false;
  /** True when canonical refused a request of gam's own. */
  #refused = false;
  /** True when git took its leave with all that it had asked for: how canonical's helper ends, git does not ask then. */
  #left = false;
  #bytesBefore = 0;
  #finish: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;

  constructor(git: GitSide, canonical: Connection, events: SessionEvents) {
    this.#git = git;
    this.#events = events;
    this.#canonical = canonical;
    this.#answers = new AnswerReader(canonical);
  }

  /** Passes everything on until canonical's line ends. */
  async run(): Promise<SessionEnd> {
    const greeting = await this.#answers.greeting();
    this.#greeted = performance.now();
    if (!greeting.whole) {
      // A program that has closed its output may go on until its input ends, and git's ends only after this process.
      this.#canonical.input.end();
      await this.#events.silent();
    } else if (!greeting.version2) await this.#events.failing();
    await write(this.#git.output, greeting.bytes);
    if (greeting.version2) {
      this.#advertisement = advertisementIn(greeting.bytes);
      await new Promise<void>((resolve, reject) => {
        this.#finish = resolve;
        this.#fail = reject;
        this.#passAnswers().catch(reject);
        this.#passRequests().catch(reject);
      });
    } else {
      this.#passRawRequests().catch(() => undefined);
      for (let chunk = await this.#answers.chunk(); chunk !== null; chunk = await this.#answers.chunk()) {
        await write(this.#git.output, chunk);
      }
    }
    const bytes = this.#bytesBefore + this.#answers.bytes;
    const exit = this.#left ? { status: 0, signal: null } : await this.#canonical.exit;
    // How an idle line ended does not matter when there was nothing left to ask for.
    const needless = this.#completed && (this.#idle || this.#answered);
    const told = needless ? { status: 0, signal: null } : exit;
    return { exit: told, completed: this.#completed, bytes, greeted: this.#greeted };
  }

  /** When canonical's first answer was here; on performance.now()'s clock. */
  get greeted(): number {
    return this.#greeted;
  }

  /** How canonical has greeted; null as long as it has not, and in an older protocol. */
  get advertisement(): Advertisement | null {
    return this.#advertisement;
  }

  /** Ends canonical's line, and with it the session. */
  close(): void {
    this.#canonical.close();
  }

  async #passRawRequests(): Promise<void> {
    for await (const chunk of this.#git.input) await write(this.#canonical.input, chunk as Buffer);
    this.#canonical.input.end();
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
    if (this.#state === 'holding') this.#events.hungUp();
    await handled;
    this.#canonical.input.end();
    this.#events.closed(this.#greeted);
    const { leave } = this.#canonical;
    const served = this.#expected.length === 0 && (this.#state === 'before' || this.#completed);
    if (served && leave !== null) {
      leave();
      this.#left = true;
    }
    if (this.#left || this.#gone) this.#finish();
  }

  async #handle(packets: Packet[]): Promise<void> {
    const command = requestedCommand(packets);
    // git takes its leave, of a canonical that has hung up while it was not needed.
    if (command === null && this.#gone && this.#completed) return;
    if (command !== 'fetch') {
      if (command === 'ls-refs') this.#refs = [];
      await this.#send(packets, { command, request: null, pack: false, heard: null });
      return;
    }
    const request = parseFetchRequest(packets);
    if (this.#state === 'before') {
      this.#state = 'holding';
      const held = await this.#events.hold(request, this.#refs, (oids) => this.#has(request, oids));
      if (held !== null && 'send' in held) {
        this.#state = 'answering';
        await held.send(this.#git.output, this.#canonical.stateless);
        this.#state = 'after';
        this.#completed = true;
        this.#answered = true;
        return;
      }
      this.#state = 'after';
      this.#completion = held;
    }
    // What comes along with the first answer is not asked for again with a second one.
    const tags = this.#completed ? [] : (this.#completion?.tags ?? []);
    const completion = this.#completion && { ...this.#completion, tags };
    if (completion && isComplete(request, completion)) {
      await this.#end();
      const answer = packAnswer(request, completion.pack, this.#canonical.stateless);
      await write(this.#git.output, ...answer.map((packet) => packet.raw));
      this.#completed = true;
      return;
    }
    const rewritten = completion ? writeFetchRequest(completedRequest(request, completion)) : packets;
    await this.#send(rewritten, { command, request, pack: false, heard: null });
  }

  async #has(request: FetchRequest, oids: readonly string[]): Promise<boolean> {
    // Nobody is left to be asked; the session ends only when the request itself is on its way.
    if (this.#gone && this.#events.reopen === null) return false;
    return new Promise((heard, reject) => {
      const expected = { command: 'fetch', request: null, pack: false, heard };
      this.#send(writeFetchRequest(question(request, oids)), expected).catch(reject);
    });
  }

  async #send(packets: readonly Packet[], expected: Expected): Promise<void> {
    if (this.#gone) {
      this.#idle = false;
      // Where no line can be opened again, git's own helper has died, and git will learn how.
      if (this.#events.reopen === null) return this.#finish();
      await this.#openAgain(this.#events.reopen);
    }
    if (expected.command !== null) {
      this.#answered = false;
      this.#expected.push(expected);
    }
    await write(this.#canonical.input, ...packets.map((packet) => packet.raw));
  }

  // Servers hang up on a line that is idle for minutes while a mirror works; v2 commands do not depend on
  // one another, so the next one goes over a new line, whose greeting git does not see.
  async #openAgain(reopen: () => Promise<Connection>): Promise<void> {
    this.#bytesBefore += this.#answers.bytes;
    this.#canonical = await reopen();
    this.#answers = new AnswerReader(this.#canonical);
    this.#gone = false;
    await this.#answers.greeting();
    this.#passAnswers().catch(this.#fail);
  }

  async #passAnswers(): Promise<void> {
    for await (const packets of this.#answers.batches()) {
      let forGit: Buffer[] = [];
      for (const packet of packets) {
        if (this.#state === 'before' && packetLine(packet)?.startsWith('ERR ')) await this.#events.failing();
        if (this.#completion !== null && this.#expected[0]?.pack && packet.kind === 'flush') {
          await write(this.#git.output, ...forGit);
          forGit = [];
          await this.#end();
        }
        if (this.#note(packet)) forGit.push(packet.raw);
      }
      await write(this.#git.output, ...forGit);
    }
    this.#gone = true;
    for (const { heard } of this.#expected) heard?.(false);
    this.#expected = [];
    this.#idle = this.#state === 'holding' || this.#state === 'answering';
    if (!this.#idle) this.#finish();
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#events.ending();
  }

  /** Follows the answer to a request of gam's own; git sees nothing of it. */
  #listen(packet: Packet, heard: (granted: boolean) => void): false {
    if (packetLine(packet)?.startsWith('ERR ')) {
      this.#refused = true;
      // The server hangs up (upload-pack.c); what is sent before that is seen would be lost.
      if (!this.#canonical.stateless) this.#canonical.close();
    }
    if (packet.kind === (this.#canonical.stateless ? 'response-end' : 'flush')) {
      this.#expected.shift();
      heard(!this.#refused);
    }
    return false;
  }

  /** Follows an answer packet by packet; false for one that git must not see. */
  #note(packet: Packet): boolean {
    const [current] = this.#expected;
    if (!current) return true;
    if (current.heard) return this.#listen(packet, current.heard);
    if (packet.kind === (this.#canonical.stateless ? 'response-end' : 'flush')) {
      this.#expected.shift();
      if (current.pack && this.#state === 'after') this.#completed = true;
      return true;
    }
    if (current.command === 'ls-refs') {
      const ref = parseRefLine(packetLine(packet) ?? '');
      if (ref) this.#refs.push(ref);
    } else if (current.request && !current.pack) {
      if (answerLine(packet, current.request) === 'packfile') current.pack = true;
      return this.#completion === null || isForGit(packet, current.request);
    }
    return true;
  }
}
