import { GamError } from '../errors.ts';
import type { RefSwap, StoredRef } from '../git/swap-refs.ts';
import { digest } from '../protocol/digest.ts';
import { LOCK_REFS, STATE_REFS } from './group-refs.ts';
import { type LockRecord, writeLockRecord } from './lock-record.ts';
import type { MemberLine } from './member-line.ts';
import type { Answer, Behind, Operation, SwapOperation } from './request.ts';
import { parseTerm, TERM_REF, type Term } from './term.ts';
import { unfinished } from './unfinished-commits.ts';

/** What refs of the arbiter are. */
export type Stored = ReadonlyMap<string, StoredRef>;

/** How a swap went, and what was to come behind it. */
export interface Swapped {
  /** As RefsArbiter.swap() returns it. */
  failed: Stored | string | null;
  behind: readonly boolean[];
}

/** Where the arbiter is, when it is not where it was. */
export interface Whereabouts {
  /** A line to the arbiter of a term. */
  line(term: Term): MemberLine;
  /** Asks around where the arbiter that cannot be reached may have gone to; null where nobody knows better. */
  search(): Promise<MemberLine | null>;
}

/** From one that was it to the one that is it, and a step more. */
const MOST_STEPS = 4;

/** The refs of the arbiter, as a coordinator sees them. Who is it no more tells who is, and is believed: who is not says so, too. */
export class RefsArbiter {
  readonly #first: MemberLine;
  readonly #format: 'sha1' | 'sha256';
  readonly #whereabouts: Whereabouts | null;
  #line: MemberLine;

  constructor(line: MemberLine, format: 'sha1' | 'sha256', whereabouts: Whereabouts | null = null) {
    this.#first = line;
    this.#line = line;
    this.#format = format;
    this.#whereabouts = whereabouts;
  }

  /**
   * Refs whose names begin so.
   * @throws GamError `arbiter-moved`, `member-unreachable`, `member-refused`
   */
  async list(prefixes: readonly string[]): Promise<Stored> {
    const answer = await this.#ask({ kind: 'list', prefixes }).catch(async (error: unknown) => {
      // A member that was away while the arbiter moved may know of one that is gone.
      const found = isUncertain(error) ? await this.#whereabouts?.search() : null;
      if (!found) throw error;
      this.#line = found;
      return this.#ask({ kind: 'list', prefixes });
    });
    if (answer.kind === 'refs') return answer.refs;
    throw new GamError('member-refused', 'the arbiter does not tell its refs');
  }

  async #ask(operation: Operation, objects?: readonly string[]): Promise<Answer> {
    let newest: Term | null = null;
    for (let step = 1; ; step += 1) {
      const answer = await this.#line.ask(operation, objects);
      const text = answer.kind === 'stale' ? answer.refs.get(TERM_REF)?.text : null;
      const term = text ? parseTerm(text) : null;
      if (term === null) return answer;
      // The one that is to be it may not know yet, and name the one that is it no more.
      if (newest === null || term.number >= newest.number) newest = term;
      this.#line = this.#whereabouts?.line(term) ?? this.#first;
      if (this.#whereabouts !== null && step < MOST_STEPS) continue;
      throw new GamError('arbiter-moved', `the arbiter is being moved to ${newest.arbiter}`, {
        suggestion: 'push again in a moment; if it stays so: gam replica arbiter',
      });
    }
  }

  /** What answers now: another one, once the arbiter has moved. */
  get line(): MemberLine {
    return this.#line;
  }

  /** The object id that a record will have (gitformat-pack(5) knows it as a blob). */
  idOf(record: LockRecord): string {
    return this.idOfText(writeLockRecord(record));
  }

  /** The same for any text. */
  idOfText(text: string): string {
    const content = `blob ${Buffer.byteLength(text)}\0${text}`;
    return digest(this.#format, content).toString('hex');
  }

  /**
   * Swaps refs, all or none.
   *
   * @param record goes along as an object
   * @returns null when it is done, what those refs are when one of them is not what it must be, git's words when it could not be done
   * @throws GamError `member-unreachable` when nobody knows whether it is done, `member-refused`, `arbiter-moved`: it is not done
   */
  async swap(swaps: readonly RefSwap[], record: LockRecord | null): Promise<Stored | string | null> {
    return (await this.swapBefore(swaps, record, [])).failed;
  }

  /**
   * The same, and more behind it.
   * @param sent objects that go along, with all that they lead to
   */
  async swapBefore(
    swaps: readonly RefSwap[],
    record: LockRecord | null,
    behind: readonly Behind[],
    sent: readonly string[] = [],
  ): Promise<Swapped> {
    const texts = record === null ? [] : [writeLockRecord(record)];
    const swapped = await this.swapWith({ swaps, texts, behind }, sent);
    if (sent.length > 0) return swapped;
    // The members may have the objects where the arbiter, if it is none of the primaries, has not.
    const objects = swaps.flatMap(({ ref, new: to }) => (ref.startsWith(LOCK_REFS) ? [] : (to ?? [])));
    const isTriedAgain = typeof swapped.failed === 'string' && objects.length > 0;
    return isTriedAgain ? this.swapWith({ swaps, texts, behind }, objects) : swapped;
  }

  /**
   * The same in the words of a request.
   * @param objects go along, with all that they lead to
   */
  async swapWith(swap: Omit<SwapOperation, 'kind'>, objects: readonly string[]): Promise<Swapped> {
    const answer = await this.#ask({ kind: 'swap', ...swap }, objects);
    switch (answer.kind) {
      case 'done':
        return { failed: null, behind: answer.behind ?? [] };
      case 'failed':
        return { failed: answer.words, behind: [] };
      case 'stale':
        return { failed: answer.refs, behind: [] };
      case 'refs':
        return { failed: '', behind: [] };
    }
  }

  /**
   * Does what is left of commits of some transactions that the arbiter's git was killed in.
   * @param seen the locks and the state, by who has just listed them
   * @returns whether nothing is left
   */
  async finish(transactions: ReadonlySet<string>, seen?: Stored): Promise<boolean> {
    const leftIn = (stored: Stored) =>
      unfinished(stored).filter(({ transaction }) => transactions.has(transaction));
    const look = () => this.list([LOCK_REFS, STATE_REFS]);
    const left = leftIn(seen ?? (await look()));
    for (const { locks, state } of left) if (!(await this.#move(locks, state))) return false;
    return left.length === 0 || leftIn(await look()).length === 0;
  }

  /**
   * Moves as much of the state as has not been moved yet, while locks hold what they do.
   * @returns whether all of it is moved now
   */
  async finishOne(locks: readonly RefSwap[], state: readonly RefSwap[]): Promise<boolean> {
    const now = await this.list([STATE_REFS]);
    const valueOf = (ref: string) => now.get(ref)?.oid ?? null;
    const left = state.filter(({ ref, new: to }) => valueOf(ref) !== to);
    if (left.some(({ ref, old }) => valueOf(ref) !== old)) return false;
    return left.length === 0 || this.#move(locks, left);
  }

  async #move(locks: readonly RefSwap[], state: readonly RefSwap[]): Promise<boolean> {
    const answer = await this.#ask({ kind: 'swap', swaps: [...locks, ...state] });
    return answer.kind === 'done';
  }
}

/** Whether nothing is known of how a swap went: the line broke, or the arbiter's git was killed at work. */
export function isUncertain(error: unknown): boolean {
  return error instanceof GamError && ['member-unreachable', 'git-failed'].includes(error.code);
}
