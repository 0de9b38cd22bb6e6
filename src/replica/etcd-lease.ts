import type { Lease, StateChange } from './coordinator.ts';
import { EtcdFence, type HeldKeys } from './etcd-fence.ts';
import { stands, write } from './etcd-requests.ts';
import { commitWide, type Group, passWide } from './etcd-wide.ts';
import { WIDE } from './group-refs.ts';
import { leaseLost, replicaBehind, wideTimeout } from './lock-errors.ts';

/**
 * So many refs are locked and committed in one transaction, of 128 comparisons at most (etcd's --max-txn-ops): two for each ref,
 * one for the mark, one for commits of many.
 */
export const MOST_AT_ONCE = 60;

/** For so many leases a commit waits for one of many refs that prepares: its pusher may just have died. */
const PATIENCE = 2;

/** Locks in a cluster of etcd. */
export class EtcdLease implements Lease {
  readonly refs: readonly string[];
  readonly #group: Group;
  readonly #held: HeldKeys;
  readonly #fence: EtcdFence;
  #released = false;
  /** One commit at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(group: Group, held: HeldKeys) {
    this.refs = held.refs;
    this.#group = group;
    this.#held = held;
    this.#fence = new EtcdFence(group.cluster, group.keys, held);
  }

  get lost(): AbortSignal {
    return this.#held.countdown.lost;
  }

  /**
   * As Lease tells it: no member's refs are here that anything could go along with; and nothing has changed, too, where it throws
   * @throws GamError `lock-timeout` when another push of many refs takes too long to prepare, `bad-request` when
   *   this one is of too many
   */
  commit(changes: readonly StateChange[]): Promise<boolean> {
    return this.#inTurn(async () => {
      const isWide = this.refs.includes(WIDE);
      const locked = isWide ? [WIDE] : changes.map(({ ref }) => ref);
      const unlocked = locked.find((ref) => this.#released || !this.refs.includes(ref));
      if (unlocked !== undefined) throw leaseLost(unlocked);
      const until = performance.now() + PATIENCE * this.#held.countdown.leaseMs;
      if (changes.length > MOST_AT_ONCE) await commitWide(this.#group, this.#fence, changes, until);
      else if (changes.length > 0) await this.#commitAtOnce(locked, changes, until);
      return false;
    });
  }

  async release(): Promise<void> {
    await this.#inTurn(async () => {
      if (this.#released) return;
      this.#released = true;
      await this.#held.countdown.end();
    });
  }

  async #commitAtOnce(
    locked: readonly string[],
    changes: readonly StateChange[],
    until: number,
  ): Promise<void> {
    const { wide, state } = this.#group.keys;
    const deed = {
      stamp: this.#fence.stamp(),
      refs: locked,
      compare: [stands(wide, null), ...changes.map(({ ref, old }) => stands(state(ref), old))],
      success: changes.map(({ ref, new: oid }) => write(state(ref), oid)),
      look: [wide, ...changes.map(({ ref }) => state(ref))],
    };
    for (;;) {
      const found = await this.#fence.does(deed);
      if (found === null) return;
      const [other, ...states] = found;
      const moved = changes.find(({ old }, at) => (states[at]?.value.toString() ?? null) !== old);
      // What refs are meant to be is not all there while a commit of many is being carried on.
      if (other === undefined) throw replicaBehind(moved?.ref ?? null);
      if (performance.now() >= until) throw wideTimeout();
      await passWide(this.#group, this.#fence, until);
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
