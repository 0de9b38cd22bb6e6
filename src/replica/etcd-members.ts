import { setTimeout as pause } from 'node:timers/promises';
import type { Etcd3, IOptions } from 'etcd3';
import { GamError } from '../errors.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { bounded, NoAnswer } from './bounded.ts';
import type { EtcdEndpoints } from './etcd-endpoints.ts';

/** How the members of a cluster are reached. */
export interface MembersOptions {
  endpoints: EtcdEndpoints;
  /** For so long, in milliseconds, a question is asked of one member after the other. */
  answerMs: number;
  /** PEM: who vouches for the cluster, where it is none of the authorities that node knows; and who this is. */
  certificates?: { ca?: Buffer; cert?: Buffer; key?: Buffer };
}

/** How long a question is asked. */
export interface Asking {
  signal?: AbortSignal;
  /** Milliseconds, in place of those for all questions. */
  within?: number;
}

/** An answer, and whether the question was asked before without one: what it asked for may have been done then, or be about to. */
export interface Answer<T> {
  value: T;
  doubted: boolean;
}

type Library = typeof import('etcd3');

const FIRST_PAUSE_MS = 50;
const LAST_PAUSE_MS = 400;

// A member that was away is looked for twice a second, and not after two minutes; a line on which nobody is any more, as behind a
// firewall that has forgotten it, is left. Answers grow with a group's refs, and come from a server that is trusted.
const GRPC = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5000,
  'grpc.max_receive_message_length': 256 * 1024 * 1024,
};

// What etcd says, without the number and the name of the status before it.
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : 'no answer';
  return printable(redactText(text.replace(/^(?:\w+: )?(?:\d+ [A-Z_]+: )?/, '')));
}

function optionsOf({ endpoints: { login }, certificates: { ca, cert, key } = {} }: MembersOptions) {
  const options: Omit<IOptions, 'hosts'> = {
    grpcOptions: GRPC,
    ...(login === null ? {} : { auth: { username: login.user, password: login.password } }),
    ...(ca === undefined
      ? {}
      : {
          credentials: {
            rootCertificate: ca,
            ...(key === undefined || cert === undefined ? {} : { privateKey: key, certChain: cert }),
          },
        }),
  };
  return options;
}

/**
 * Members of a cluster of etcd, each with a client of its own. The one that has answered is asked first the next time. The library would
 * itself ask again, and keep away from a member that failed; both are left out, so that it is known of each question whether it
 * was asked twice, and a member that is back is asked at once.
 *
 * Times are those of the steady clock: setting the clock neither ends a question nor draws it out.
 */
export class EtcdMembers {
  /** As messages name it. */
  readonly name: string;
  readonly #members: readonly Etcd3[];
  readonly #answerMs: number;
  readonly #library: Library;
  #first = 0;

  private constructor({ endpoints, answerMs }: MembersOptions, members: readonly Etcd3[], library: Library) {
    this.name = `etcd at ${endpoints.hosts.join(', ')}`;
    this.#members = members;
    this.#answerMs = answerMs;
    this.#library = library;
  }

  /** Loads the library, which takes a quarter of a second; nobody is contacted yet. */
  static async open(options: MembersOptions): Promise<EtcdMembers> {
    const [library, { noop }] = await Promise.all([import('etcd3'), import('cockatiel')]);
    const { hosts, secure } = options.endpoints;
    const common = { ...optionsOf(options), faultHandling: { host: () => noop, global: noop } };
    const scheme = secure ? 'https://' : 'http://';
    const members = hosts.map((host) => new library.Etcd3({ ...common, hosts: scheme + host }));
    return new EtcdMembers(options, members, library);
  }

  /** The member that has answered last. */
  get first(): Etcd3 {
    return this.#member(this.#first);
  }

  /**
   * Asks one member after the other until one answers. Each is given the same share of the time, so that one that takes
   * everything and says nothing does not use it up.
   *
   * @param call gets a time by which it is surely over, as gRPC wants it, in milliseconds since the epoch
   * @throws GamError `member-unreachable` when none has answered, and nothing is known; `member-refused` when the first one
   *   that was asked says that it will not
   */
  async ask<T>(
    call: (member: Etcd3, deadline: number) => Promise<T>,
    { signal, within = this.#answerMs }: Asking = {},
  ): Promise<Answer<T>> {
    const end = performance.now() + within;
    const share = within / this.#members.length;
    const first = this.#first;
    for (let asked = 0, failed: unknown = null; ; asked += 1) {
      const round = Math.floor(asked / this.#members.length);
      const isRound = asked > 0 && asked % this.#members.length === 0;
      const wait = isRound ? Math.min(FIRST_PAUSE_MS * 2 ** (round - 1), LAST_PAUSE_MS) : 0;
      const ms = Math.min(end - performance.now() - wait, share);
      if (ms <= 0 || signal?.aborted) throw this.#unreachable(failed);
      if (isRound) await pause(wait, undefined, { signal }).catch(() => undefined);
      try {
        // gRPC leaves the line when a question's time is over, and with it whatever else was asked there: so that is not before all of
        // a question's time is over, wherever it is asked next.
        const called = call(this.#member(first + asked), Date.now() + this.#answerMs);
        const value = await bounded(called, ms, signal);
        this.#first = (first + asked) % this.#members.length;
        return { value, doubted: asked > 0 };
      } catch (error) {
        const isPassing = error instanceof NoAnswer || this.#library.isRecoverableError(error as Error);
        if (!isPassing) throw asked === 0 ? this.#refused(error) : this.#unreachable(error);
        failed = error;
      }
    }
  }

  /** @see EtcdCluster.isForgotten */
  isForgotten(error: unknown): boolean {
    return error instanceof GamError && error.cause instanceof this.#library.GRPCOutOfRangeError;
  }

  /** Lets go of all lines. */
  close(): void {
    for (const member of this.#members) member.close();
  }

  #member(at: number): Etcd3 {
    return this.#members[at % this.#members.length] as Etcd3;
  }

  #unreachable(failed: unknown): GamError {
    return new GamError('member-unreachable', `${this.name} cannot be reached: ${wordsOf(failed)}`, {
      suggestion: 'most members of the cluster must run; etcdctl endpoint status tells which do',
    });
  }

  #refused(error: unknown): GamError {
    return new GamError('member-refused', `${this.name} refused: ${wordsOf(error)}`, { cause: error });
  }
}
