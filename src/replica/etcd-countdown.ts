import type { EtcdCluster } from './etcd-cluster.ts';

/** A lease is renewed when a third of it is over: two renewals may fail. */
const RENEWALS = 3;

/** For so long it is tried to end one, in milliseconds. */
const END_MS = 3000;

/** A lease of etcd's that is renewed as long as nobody ends it. Keys that are tied to it go when it does, all at once. */
export class EtcdCountdown {
  readonly id: string;
  /** For so many milliseconds it lasts without being renewed. */
  readonly leaseMs: number;
  readonly #cluster: EtcdCluster;
  readonly #lost = new AbortController();
  readonly #ended = new AbortController();
  #renewal: NodeJS.Timeout | undefined;
  #expiry: NodeJS.Timeout | undefined;
  /** Until when it lasts at least, on performance.now()'s clock. */
  #until = 0;

  private constructor(cluster: EtcdCluster, id: string, leaseMs: number, began: number) {
    this.#cluster = cluster;
    this.id = id;
    this.leaseMs = leaseMs;
    this.#hold(began);
    this.#plan();
  }

  /**
   * Begins one.
   * @param leaseMs milliseconds; etcd counts whole seconds, and no fewer than its leader's election takes
   * @throws GamError `member-unreachable`
   */
  static async begin(cluster: EtcdCluster, leaseMs: number, signal: AbortSignal): Promise<EtcdCountdown> {
    // etcd counts from when it was asked, which is behind now: so it is never over before it is believed to be.
    const began = performance.now();
    const { id, seconds } = await cluster.grantLease(Math.ceil(leaseMs / 1000), { signal });
    return new EtcdCountdown(cluster, id, seconds * 1000, began);
  }

  /** Aborts when it is over, or may be. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Says that it is over, to who has learnt it in another way. */
  lose(): void {
    this.#lost.abort();
    this.#stop();
  }

  /** Ends it. Where nobody can be told, it is over by itself soon. */
  async end(): Promise<void> {
    this.#stop();
    await this.#cluster.endLease(this.id, { within: END_MS }).catch(() => undefined);
  }

  #stop(): void {
    this.#ended.abort();
    clearTimeout(this.#renewal);
    clearTimeout(this.#expiry);
  }

  #hold(began: number): void {
    this.#until = began + this.leaseMs;
    clearTimeout(this.#expiry);
    this.#expiry = setTimeout(() => this.lose(), this.#until - performance.now());
    this.#expiry.unref();
  }

  #plan(): void {
    if (this.#ended.signal.aborted) return;
    this.#renewal = setTimeout(() => void this.#renew(), this.leaseMs / RENEWALS);
    this.#renewal.unref();
  }

  async #renew(): Promise<void> {
    const began = performance.now();
    const asking = { within: Math.max(1, this.#until - began), signal: this.#ended.signal };
    // One that is not answered leaves the countdown running.
    const isThere = await this.#cluster.renewLease(this.id, asking).catch(() => null);
    if (this.#ended.signal.aborted) return;
    if (isThere === false) this.lose();
    if (isThere === true) this.#hold(began);
    this.#plan();
  }
}
