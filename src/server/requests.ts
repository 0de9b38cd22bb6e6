import type { GamError } from '../errors.ts';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { badRequest } from '../protocol/mirror-list-request.ts';
import { printable } from '../protocol/text.ts';
import { type Capability, commandNamed } from './capability.ts';

/** Bytes for git, and how many answers will come to them. */
interface Passed {
  kind: 'pass';
  bytes: Buffer;
  answers: number;
}

/** A part of what a client sends. */
export type Part =
  | Passed
  /** A request for a command of the table, whole. */
  | { kind: 'command'; capability: Capability; request: Packet[] }
  /** A request that cannot be answered. What follows it must not be read. */
  | { kind: 'refused'; error: GamError };

/** The most bytes before it is clear whose command it is, and in a request for a command of the table. */
const LONGEST = 128 * 1024;

const COMMAND = 'command=';

function refused(why: string): Part {
  return { kind: 'refused', error: badRequest(why) };
}

// git answers a `fetch` that wants nothing, and does not just negotiate, with nothing (upload-pack.c, FETCH_PROCESS_ARGS).
function asksForAnswer(payload: Buffer): boolean {
  return /^(?:want |want-ref |wait-for-done)/.test(payload.toString('latin1', 0, 16));
}

// The lines of a request are many and short, and each would be a write of its own.
function joined(parts: readonly Part[]): Part[] {
  const runs: (Passed[] | Part)[] = [];
  for (const part of parts) {
    const last = runs.at(-1);
    if (part.kind !== 'pass') runs.push(part);
    else if (Array.isArray(last)) last.push(part);
    else runs.push([part]);
  }
  return runs.map((run) =>
    Array.isArray(run)
      ? {
          kind: 'pass',
          bytes: Buffer.concat(run.map(({ bytes }) => bytes)),
          answers: run.reduce((sum, { answers }) => sum + answers, 0),
        }
      : run,
  );
}

/**
 * What a client sends over a line of protocol v2, request by request: one for a command of the table is held until it is
 * whole, all others are git's, and go on as they come, to the byte.
 */
export class Requests {
  readonly #table: readonly Capability[];
  readonly #decoder = new PacketDecoder();
  /** Whose the request is that comes: in its head that may not be clear yet; `unknown` where these are no requests. */
  #state: 'head' | 'git' | 'unknown' | Capability = 'head';
  #held: Packet[] = [];
  #size = 0;
  /** Whether the head of a request for a command of the table is over. */
  #headEnded = false;
  /** Whether git will answer the request that it is being sent. */
  #answered = false;

  constructor(table: readonly Capability[]) {
    this.#table = table;
  }

  /** Takes what the client sends next. */
  push(chunk: Buffer): Part[] {
    if (this.#state === 'unknown') return [{ kind: 'pass', bytes: chunk, answers: 0 }];
    const { pending } = this.#decoder;
    try {
      return joined(this.#decoder.push(chunk).flatMap((packet) => this.#take(packet)));
    } catch {
      // git's own words for it are better than any of gam's.
      if (typeof this.#state === 'object') return [refused('protocol error: bad line length')];
      const bytes = Buffer.concat([...this.#release(), pending, chunk]);
      this.#state = 'unknown';
      return [{ kind: 'pass', bytes, answers: 0 }];
    }
  }

  /** What is left when the client sends no more: the beginning of a request of which git will say that it is one. */
  rest(): Buffer {
    return typeof this.#state === 'object' || this.#state === 'unknown'
      ? Buffer.alloc(0)
      : Buffer.concat([...this.#release(), this.#decoder.pending]);
  }

  #release(): Buffer[] {
    const bytes = this.#held.map(({ raw }) => raw);
    this.#held = [];
    this.#size = 0;
    return bytes;
  }

  #take(packet: Packet): Part[] {
    if (this.#state === 'git') return [this.#pass(packet)];
    this.#held.push(packet);
    this.#size += packet.raw.length;
    return typeof this.#state === 'object' ? this.#takeOurs(packet, this.#state) : this.#takeHead(packet);
  }

  // git takes the lines of a head in any order.
  #takeHead(packet: Packet): Part[] {
    const line = packetLine(packet);
    const name = line?.startsWith(COMMAND) ? line.slice(COMMAND.length) : null;
    const ours = name === null ? null : commandNamed(this.#table, name);
    if (ours !== null) {
      this.#state = ours;
      this.#headEnded = false;
      return [];
    }
    if (name === null && packet.kind === 'data' && this.#size <= LONGEST) return [];
    this.#state = 'git';
    this.#answered = name !== null && name !== 'fetch';
    this.#held.pop();
    const before: Part[] = this.#release().map((bytes) => ({ kind: 'pass', bytes, answers: 0 }));
    return [...before, this.#pass(packet)];
  }

  #pass(packet: Packet): Part {
    const { kind, raw: bytes } = packet;
    if (kind === 'data') this.#answered ||= asksForAnswer(packet.payload);
    if (kind !== 'flush') return { kind: 'pass', bytes, answers: 0 };
    this.#state = 'head';
    return { kind: 'pass', bytes, answers: this.#answered ? 1 : 0 };
  }

  #takeOurs(packet: Packet, capability: Capability): Part[] {
    const { name } = capability;
    const line = this.#headEnded ? null : packetLine(packet);
    if (line?.startsWith(COMMAND)) {
      const other = printable(line.slice(COMMAND.length), 40);
      return [refused(`command '${other}' requested after already requesting command '${name}'`)];
    }
    if (this.#size > LONGEST) return [refused(`${name}: the request is longer than ${LONGEST} bytes`)];
    if (packet.kind === 'response-end') return [refused(`${name}: expected flush after arguments`)];
    this.#headEnded ||= packet.kind === 'delim';
    if (packet.kind !== 'flush') return [];
    const request = this.#held;
    this.#release();
    this.#state = 'head';
    return [{ kind: 'command', capability, request }];
  }
}
