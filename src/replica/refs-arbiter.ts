import { GamError } from '../errors.ts';
import type { RefSwap, StoredRef } from '../git/swap-refs.ts';
import { digest } from '../protocol/digest.ts';
import { LOCK_REFS, STATE_REFS } from './group-refs.ts';
import { type LockRecord, writeLockRecord } from './lock-record.ts';
import type { MemberLine } from './member-line.ts';
import { unfinished } from './unfinished-commits.ts';

/** What refs of the arbiter are. */
export type Stored = ReadonlyMap<string, StoredRef>;

/** The refs of the arbiter, as a coordinator sees them. */
export class RefsArbiter {
  readonly #line: MemberLine;
  readonly #format: 'sha1' | 'sha256';

  constructor(line: MemberLine, format: 'sha1' | 'sha256') {
    this.#line = line;
    this.#format = format;
  }

  /**
   * Refs whose names begin so.
   * @throws GamError `member-unreachable`, `member-refused`
   */
  async list(prefixes: readonly string[]): Promise<Stored> {
    const answer = await this.#line.ask({ kind: 'list', prefixes });
    if (answer.kind === 'refs') return answer.refs;
    throw new GamError('member-refused', 'the arbiter does not tell its refs');
  }

  /** The object id that a record will have (gitformat-pack(5) knows it as a blob). */
  idOf(record: LockRecord): string {
    const text = writeLockRecord(record);
    const content = `blob ${Buffer.byteLength(text)}\0${text}`;
    return digest(this.#format, content).toString('hex');
  }

  /**
   * Swaps refs, all or none.
   *
   * @param record goes along as an object
   * @returns null when it is done, what those refs are when one of them is not what it must be, git's words when it could not be done
   * @throws GamError `member-unreachable` when nobody knows whether it is done, `member-refused`
   */
  async swap(swaps: readonly RefSwap[], record: LockRecord | null): Promise<Stored | string | null> {
    const texts = record === null ? [] : [writeLockRecord(record)];
    const answer = await this.#line.ask({ kind: 'swap', swaps, texts });
    if (answer.kind === 'done') return null;
    if (answer.kind === 'failed') {
      // The members may have the objects where the arbiter, if it is none of the primaries, has not.
      const objects = swaps.flatMap(({ ref, new: to }) => (ref.startsWith(LOCK_REFS) ? [] : (to ?? [])));
      const again =
        objects.length === 0 ? answer : await this.#line.ask({ kind: 'swap', swaps, texts }, objects);
      if (again.kind === 'done') return null;
      return again.kind === 'failed' ? again.words : again.kind === 'stale' ? again.refs : '';
    }
    return answer.kind === 'stale' ? answer.refs : '';
  }

  /**
   * Does what is left of commits of some transactions that the arbiter's git was killed in.
   * @returns whether nothing is left
   */
  async finish(transactions: ReadonlySet<string>): Promise<boolean> {
    const left = async () => {
      const commits = unfinished(await this.list([LOCK_REFS, STATE_REFS]));
      return commits.filter(({ transaction }) => transactions.has(transaction));
    };
    for (const { locks, state } of await left()) if (!(await this.#move(locks, state))) return false;
    return (await left()).length === 0;
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
    const answer = await this.#line.ask({ kind: 'swap', swaps: [...locks, ...state] });
    return answer.kind === 'done';
  }
}

/** Whether nothing is known of how a swap went: the line broke, or the arbiter's git was killed at work. */
export function isUncertain(error: unknown): boolean {
  return error instanceof GamError && ['member-unreachable', 'git-failed'].includes(error.code);
}
