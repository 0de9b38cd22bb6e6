import type { Readable, Writable } from 'node:stream';
import { GamError } from '../errors.ts';
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

/** Follows the answer to a question of gam's own. */
export interface Listener {
  /**
   * Takes a packet of the answer, the flush at its end, too.
   * @throws anything when it has heard enough, or something else: canonical's line is then opened anew for what git asks
   */
  packet(packet: Packet): void;
}

/** What a session needs from outside. */
export interface SessionEvents {
  /** Called before git's first request for refs goes on: whatever is asked now is asked before it. */
  listing(): Promise<void>;
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
  /** Opens canonical's line again. */
  reopen: () => Promise<Connection>;
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
  /** For a request of gam's own, of which git sees nothing. */
  own: Own | null;
  /** As it was sent, to be sent again where the line breaks at a question that was not git's. */
  packets: readonly Packet[];
}

/** A request of gam's own. */
interface Own {
  /** Null where only the end of the answer matters. */
  listener: Listener | null;
  /** Told in the end whether canonical has answered, and did not refuse. */
  heard: (granted: boolean) => void;
  refused: boolean;
  /** Whether the answer has come to its end. */
  whole: boolean;
  /** Whether git's conversation goes on over another line where this one breaks at it. */
  aside: boolean;
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
  /** The capability lines of git's last request: those of gam's own are worded alike. */
  #wording: readonly string[] = [];
  /** True when the line broke at a question aside: the next request is worth another one, of whichever kind. */
  #aside = false;
  /** While canonical's line is opened again. */
  #opening: Promise<void> = Promise.resolve();
  /** True when git took its leave with all that it had asked for: how canonical's helper ends, git does not ask then. */
  #left = false;
  /** True when git wants no more. */
  #over = false;
  /** Whether git has asked for refs. */
  #listed = false;
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
    for (const { own } of this.#expected) own?.heard(false);
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
    this.#over = true;
    if (this.#left || this.#gone) this.#finish();
  }

  async #handle(packets: Packet[]): Promise<void> {
    const command = requestedCommand(packets);
    // git takes its leave, of a canonical that has hung up while it was not needed.
    if (command === null && this.#gone && this.#completed) return;
    const request = parseFetchRequest(packets);
    if (command !== null) this.#wording = request.capabilities.slice(1);
    if (command !== 'fetch') {
      if (command === 'ls-refs') {
        this.#refs = [];
        if (!this.#listed) await this.#events.listing();
        this.#listed = true;
      }
      await this.#send(packets, { command, request: null, pack: false, own: null });
      return;
    }
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
    await this.#send(rewritten, { command, request, pack: false, own: null });
  }

  async #has(request: FetchRequest, oids: readonly string[]): Promise<boolean> {
    // Nobody is left to be asked; the session ends only when the request itself is on its way.
    if (this.#gone && !this.#canOpenAgain) return false;
    return new Promise((heard, reject) => {
      const own = { listener: null, heard, refused: false, whole: false, aside: false };
      const expected = { command: 'fetch', request: null, pack: false, own };
      this.#send(writeFetchRequest(question(request, oids)), expected).catch(reject);
    });
  }

  /** Whether canonical's answers come over one line, or a connection each. */
  get stateless(): boolean {
    return this.#canonical.stateless;
  }

  /**
   * Asks canonical something of gam's own, before anything that git asks from now on, and without waiting for anything.
   * Whatever becomes of it, git's conversation goes on, over another line where this one breaks of it.
   *
   * @param word words the request, given the capability lines of git's own
   * @param end ends the question, and with it the line, unless it has been answered before
   * @returns whether canonical has answered to the end, and did not refuse
   */
  ask(
    word: (wording: readonly string[]) => Packet[],
    listener: Listener,
    end: AbortSignal,
  ): Promise<boolean> {
    if (this.#gone) return Promise.resolve(false);
    return new Promise((resolve) => {
      const drop = () => this.#drop();
      const heard = (granted: boolean) => {
        end.removeEventListener('abort', drop);
        resolve(granted);
      };
      end.addEventListener('abort', drop);
      const own = { listener, heard, refused: false, whole: false, aside: true };
      this.#send(word(this.#wording), { command: 'own', request: null, pack: false, own }).catch(this.#fail);
    });
  }

  /** Leaves canonical's line as it is. */
  #drop(): void {
    this.#canonical.close();
    this.#canonical.output.destroy();
  }

  /** Where each request has a connection of its own, what breaks is for git to hear; but not of a question that was not git's. */
  get #canOpenAgain(): boolean {
    return !this.#canonical.stateless || this.#aside;
  }

  async #send(packets: readonly Packet[], expected: Omit<Expected, 'packets'>): Promise<void> {
    await this.#opening;
    if (this.#gone) {
      this.#idle = false;
      // Where no line can be opened again, git's own helper has died, and git will learn how.
      if (!this.#canOpenAgain) return this.#finish();
      this.#opening = this.#openAgain();
      await this.#opening;
    }
    if (expected.command !== null) {
      this.#answered = false;
      this.#expected.push({ ...expected, packets });
    }
    await write(this.#canonical.input, ...packets.map((packet) => packet.raw));
  }

  // Servers hang up on a line that is idle for minutes while a mirror works; v2 commands do not depend on
  // one another, so the next one goes over a new line, whose greeting git does not see.
  async #openAgain(): Promise<void> {
    this.#bytesBefore += this.#answers.bytes;
    this.#canonical = await this.#events.reopen();
    this.#answers = new AnswerReader(this.#canonical);
    this.#gone = false;
    this.#aside = false;
    await this.#answers.greeting();
    this.#passAnswers().catch(this.#fail);
  }

  async #passAnswers(): Promise<void> {
    const answers = this.#answers;
    try {
      for await (const packets of answers.batches()) await this.#passBatch(packets);
    } catch (error) {
      // Not git's language; what git asked for is another matter.
      if (!this.#expected[0]?.own?.aside) throw error;
      this.#drop();
    }
    this.#gone = true;
    const [first] = this.#expected;
    const left = this.#expected.filter(({ own }) => own === null);
    for (const { own } of this.#expected) own?.heard(false);
    this.#expected = [];
    this.#aside = first?.own?.aside === true;
    this.#idle = this.#aside || this.#state === 'holding' || this.#state === 'answering';
    if (!this.#idle || this.#over) this.#finish();
    // What was asked behind the question has not been answered.
    else if (this.#aside) for (const expected of left) await this.#send(expected.packets, expected);
  }

  async #passBatch(packets: readonly Packet[]): Promise<void> {
    let forGit: Buffer[] = [];
    try {
      for (const packet of packets) {
        if (this.#state === 'before' && !this.#expected[0]?.own && packetLine(packet)?.startsWith('ERR '))
          await this.#events.failing();
        if (this.#completion !== null && this.#expected[0]?.pack && packet.kind === 'flush') {
          await write(this.#git.output, ...forGit);
          forGit = [];
          await this.#end();
        }
        if (this.#note(packet)) forGit.push(packet.raw);
      }
    } finally {
      // Also what came before a packet that ends the line.
      await write(this.#git.output, ...forGit);
    }
  }

  async #end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#events.ending();
  }

  /** Follows the answer to a request of gam's own; git sees nothing of it. */
  #listen(packet: Packet, own: Own): false {
    const isEnd = packet.kind === (this.#canonical.stateless ? 'response-end' : 'flush');
    if (packetLine(packet)?.startsWith('ERR ')) {
      own.refused = true;
      // The answer to what git asked behind it may have come along, and would be taken for a part of this one.
      if (own.aside && !this.#canonical.stateless) throw new GamError('bad-packet', 'canonical refused');
      // The server hangs up (upload-pack.c); what is sent before that is seen would be lost.
      if (!this.#canonical.stateless) this.#canonical.close();
    } else if (packet.kind !== 'response-end' && !own.refused) own.listener?.packet(packet);
    if (packet.kind === 'flush') own.whole = true;
    if (isEnd) {
      // git's web helper ends a request that failed in just this way, and then itself.
      if (own.aside && !own.whole && !own.refused) throw new GamError('bad-packet', 'canonical broke off');
      this.#expected.shift();
      own.heard(!own.refused);
    }
    return false;
  }

  /** Follows an answer packet by packet; false for one that git must not see. */
  #note(packet: Packet): boolean {
    const [current] = this.#expected;
    if (!current) return true;
    if (current.own) return this.#listen(packet, current.own);
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
