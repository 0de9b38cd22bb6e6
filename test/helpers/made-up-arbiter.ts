import { createHash } from 'node:crypto';
import type { RefSwap, StoredRef } from '../../src/git/swap-refs.ts';
import type { GateMemory, Mark } from '../../src/replica/gate-memory.ts';
import type { Answer, Operation } from '../../src/replica/request.ts';

const blobId = (text: string) =>
  createHash('sha1')
    .update(`blob ${Buffer.byteLength(text)}\0${text}`)
    .digest('hex');

/** The refs of an arbiter, without a repository, in which git may be killed between any two of them. */
export class MadeUpArbiter {
  readonly refs = new Map<string, StoredRef>();
  /** Lock files of a git that was killed, and until when they are there. */
  readonly #locked = new Map<string, number>();
  readonly #objects = new Map<string, string>();
  readonly #lockedMs: () => number;

  /** @param lockedMs for so long a lock file of a git that was killed stays */
  constructor(lockedMs: () => number = () => 0) {
    this.#lockedMs = lockedMs;
  }

  /** Keeps the objects that come with a request. */
  keep(operation: Operation): void {
    if (operation.kind !== 'swap') return;
    for (const text of operation.texts ?? []) this.#objects.set(blobId(text), text);
  }

  /** @param most so many refs are moved, and git is killed then; it may have done a part of what comes behind */
  perform(operation: Operation, most = Infinity): Answer {
    if (operation.kind === 'wake') return { kind: 'done' };
    if (operation.kind === 'list') {
      const { prefixes } = operation;
      const some = [...this.refs].filter(([ref]) => prefixes.some((prefix) => ref.startsWith(prefix)));
      return { kind: 'refs', refs: new Map(some) };
    }
    const { swaps, behind = [] } = operation;
    const answer = this.#swap(swaps, most);
    if (answer.kind !== 'done' || behind.length === 0) return answer;
    const left = behind.slice(0, Math.max(0, most - swaps.length));
    return { kind: 'done', behind: left.map((one) => this.#swap(one.swaps, Infinity).kind === 'done') };
  }

  // As git does it: all are looked at, and then moved one after the other, deletions last.
  #swap(swaps: readonly RefSwap[], most: number): Answer {
    const valueOf = (ref: string) => this.refs.get(ref)?.oid ?? null;
    const stale = swaps.some(({ ref, old }) => valueOf(ref) !== old);
    if (stale)
      return {
        kind: 'stale',
        refs: new Map([...this.refs].filter(([ref]) => swaps.some((s) => s.ref === ref))),
      };
    if (swaps.some(({ ref }) => (this.#locked.get(ref) ?? 0) > performance.now()))
      return { kind: 'failed', words: 'File exists' };
    const inOrder = [...swaps].sort((a, b) => Number(a.new === null) - Number(b.new === null));
    for (const [n, { ref, new: to }] of inOrder.entries())
      if (n >= most) this.#locked.set(ref, performance.now() + this.#lockedMs());
      else if (to === null) this.refs.delete(ref);
      else this.refs.set(ref, { oid: to, text: this.#objects.get(to) ?? null });
    return { kind: 'done' };
  }

  state(): Map<string, string> {
    const all = [...this.refs].filter(([ref]) => ref.startsWith('refs/gam/state/'));
    return new Map(all.map(([ref, { oid }]) => [ref.replace('refs/gam/state/', 'refs/'), oid]));
  }
}

/** What a member remembers of its gate, in memory. */
export function gateMemory(): GateMemory {
  let known: string | null = null;
  const marks = new Map<string, Mark>();
  return {
    gate: () => known,
    keep: (oid) => {
      known = oid;
    },
    marks: () => [...marks.values()],
    note: (mark) => void marks.set(mark.transaction, mark),
    forget: (gone) => {
      for (const { transaction } of gone) marks.delete(transaction);
    },
  };
}
