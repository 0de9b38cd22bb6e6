import { setTimeout as pause } from 'node:timers/promises';
import type { IKeyValue, ITxnRequest } from 'etcd3';
import { bounded, NoAnswer } from './bounded.ts';
import type { KeyRange } from './etcd-keys.ts';
import { type Asking, EtcdMembers, type MembersOptions } from './etcd-members.ts';

/** What came of a transaction. */
export interface Outcome {
  succeeded: boolean;
  /** The store's revision then. */
  revision: string;
  /** What each of the operations read, in their order; nothing where one wrote. */
  found: IKeyValue[][];
  /** As Answer tells it. */
  doubted: boolean;
}

/** The revision that stands for the newest. */
const NOW = '0';
/** So many keys are read at once. */
const PAGE = 5000;
/** How long nothing is asked when a watch could not be begun. */
const PAUSE_MS = 250;

/** What gam asks of a cluster of etcd (etcd's API reference, `etcdserverpb`). */
export class EtcdCluster {
  readonly #members: EtcdMembers;

  private constructor(members: EtcdMembers) {
    this.#members = members;
  }

  /** @see EtcdMembers.open */
  static async open(options: MembersOptions): Promise<EtcdCluster> {
    return new EtcdCluster(await EtcdMembers.open(options));
  }

  /** As messages name it. */
  get name(): string {
    return this.#members.name;
  }

  /**
   * Runs a transaction: at least once, or an error is thrown. So it is to be one of which the second run does nothing.
   * @throws GamError `member-unreachable`: it may have happened, and may happen yet; `member-refused`
   */
  async txn(request: ITxnRequest, asking: Asking = {}): Promise<Outcome> {
    const { value, doubted } = await this.#members.ask(
      (member, deadline) => member.kv.txn(request, { deadline }),
      asking,
    );
    const found = value.responses.map(({ response_range: range }) => range?.kvs ?? []);
    return { succeeded: value.succeeded, revision: value.header.revision, found, doubted };
  }

  /** All that stands in a range, however much it is: at a revision, or, without one, about now. */
  async *read({ key, range_end }: KeyRange, revision = NOW, page = PAGE): AsyncGenerator<IKeyValue> {
    for (let from = key; ; ) {
      const range = { key: from, range_end, revision, limit: page };
      const { found } = await this.txn({ success: [{ request_range: range }] });
      const [kvs = []] = found;
      yield* kvs;
      const last = kvs.at(-1);
      if (last === undefined || kvs.length < page) return;
      from = Buffer.concat([last.key, Buffer.of(0)]);
    }
  }

  /** Has a lease counted down from so many seconds; the cluster may have it last longer. */
  async grantLease(seconds: number, asking: Asking): Promise<{ id: string; seconds: number }> {
    const { value } = await this.#members.ask(
      (member, deadline) => member.leaseClient.leaseGrant({ TTL: seconds }, { deadline }),
      asking,
    );
    return { id: value.ID, seconds: Number(value.TTL) };
  }

  /** Has the count begin anew; tells whether the lease was still there. */
  async renewLease(id: string, asking: Asking): Promise<boolean> {
    const { value } = await this.#members.ask(async (member, deadline) => {
      const stream = await member.leaseClient.leaseKeepAlive({ deadline });
      try {
        return await new Promise<boolean>((resolve, reject) => {
          stream.on('data', ({ TTL }) => resolve(Number(TTL) > 0));
          stream.on('error', reject);
          stream.on('end', () => reject(new NoAnswer()));
          stream.write({ ID: id });
        });
      } finally {
        stream.cancel();
      }
    }, asking);
    return value;
  }

  /** Ends a lease, and with it all keys that are tied to it. */
  async endLease(id: string, asking: Asking): Promise<void> {
    await this.#members.ask(
      (member, deadline) => member.leaseClient.leaseRevoke({ ID: id }, { deadline }),
      asking,
    );
  }

  /**
   * Waits until something has happened to a key since a revision, for so many milliseconds at most. It may be over
   * earlier without that, as when the member that is listened to goes: whoever waits looks anew.
   */
  async changed(key: Buffer, since: string, ms: number, signal?: AbortSignal): Promise<void> {
    const end = performance.now() + ms;
    const over = new AbortController();
    const isQuiet = await bounded(this.#watch(key, since, over.signal), ms, signal).then(
      () => false,
      () => true,
    );
    over.abort();
    const left = Math.min(PAUSE_MS, end - performance.now());
    if (isQuiet && left > 0) await pause(left, undefined, { signal }).catch(() => undefined);
  }

  /** Whether an error says that a revision can no longer be read: the cluster was told to forget it (etcdctl compact). */
  isForgotten(error: unknown): boolean {
    return this.#members.isForgotten(error);
  }

  /** Lets go of all lines. */
  close(): void {
    this.#members.close();
  }

  async #watch(key: Buffer, since: string, over: AbortSignal): Promise<void> {
    const stream = await this.#members.first.watchClient.watch();
    const cancel = () => stream.cancel();
    over.addEventListener('abort', cancel, { once: true });
    if (over.aborted) cancel();
    await new Promise<void>((resolve, reject) => {
      stream.on('error', reject);
      stream.on('end', () => reject(new NoAnswer()));
      stream.on('data', ({ canceled, events }) => {
        if (canceled || events.length > 0) resolve();
      });
      stream.write({ create_request: { key, start_revision: `${BigInt(since) + 1n}` } });
    });
  }
}
