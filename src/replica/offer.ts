import { GamError } from '../errors.ts';
import type { RefSwap } from '../git/swap-refs.ts';
import { digest } from '../protocol/digest.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import { isPrimary, type Member, quorum } from './group.ts';
import { GROUP_REFS } from './group-refs.ts';
import type { Replica } from './replica.ts';

/** When so many have it, those that are slower get as long again, and at least so long. */
const GRACE_MS = 1000;

/** The other primaries' copies of what a push brings, before anybody has it. */
export interface Offer {
  /** Sends it to the one that was left out. */
  toAll(): void;
  /**
   * Waits until a quorum has them.
   * @throws GamError `quorum-lost` when fewer can be reached
   */
  quorum(): Promise<void>;
  /**
   * Behind that: waits for the others a moment more.
   * @returns the members that have them
   */
  taken(): Promise<Member[]>;
  /** Those that have them by now. */
  soFar(): readonly Member[];
}

/** Where offers wait at the other primaries. */
export const INCOMING_REFS = `${GROUP_REFS}incoming/`;

/** Where a ref of a transaction waits; by a hash, since a push may bring `a` and `a/b`, of which one will be refused later. */
export function incomingRef(transaction: string, ref: string): string {
  return `${INCOMING_REFS}${transaction}/${digest('sha1', ref).toString('hex')}`;
}

/** The transaction that a ref waits for. */
export function transactionOf(ref: string): string {
  return ref.slice(INCOMING_REFS.length).split('/')[0] ?? '';
}

/** What takes away what waits at a member for some updates of a transaction. */
export function withdrawal(transaction: string, updates: readonly RefUpdate[]): RefSwap[] {
  return incoming(transaction, updates).map(({ ref, new: to }) => ({ ref, old: to, new: null }));
}

/** What makes a transaction's refs wait at a member. */
function incoming(transaction: string, updates: readonly RefUpdate[]): RefSwap[] {
  return updates.flatMap(({ ref, new: to }) =>
    to === null ? [] : { ref: incomingRef(transaction, ref), old: null, new: to },
  );
}

/**
 * Sends the objects of a push to the other primaries; it begins at once.
 * @param without one that is sent nothing as yet
 */
export function offer(
  replica: Replica,
  transaction: string,
  updates: readonly RefUpdate[],
  without: Member | null = null,
): Offer {
  const others = replica.group.members.filter((member) => isPrimary(member) && member.id !== replica.self.id);
  const needed = quorum(replica.group) - 1;
  const swaps = incoming(transaction, updates);
  const objects = swaps.flatMap(({ new: to }) => to ?? []);
  const began = performance.now();
  const taken: Member[] = [];
  const failures: unknown[] = [];
  const send = async (member: Member) => {
    try {
      const answer = await replica.line(member).ask({ kind: 'swap', swaps }, objects);
      if (answer.kind === 'done') taken.push(member);
      else failures.push(answer.kind === 'failed' ? new GamError('member-refused', answer.words) : answer);
    } catch (error) {
      failures.push(error);
    }
  };
  const pending = new Set<Promise<void>>();
  const begin = (member: Member) => {
    const one = send(member).finally(() => pending.delete(one));
    pending.add(one);
  };
  for (const member of others) if (member !== without) begin(member);
  const isOver = () => taken.length >= needed || failures.length > others.length - needed;
  return {
    toAll: () => {
      if (without !== null) begin(without);
    },
    soFar: () => [...taken],
    quorum: async () => {
      while (!isOver() && pending.size > 0) await Promise.race(pending);
      if (taken.length < needed) {
        const why = failures.flatMap((error) => (error instanceof Error ? error.message : [])).join('; ');
        throw new GamError(
          'quorum-lost',
          `only ${taken.length + 1} of ${others.length + 1} primaries have it, ${needed + 1} must: ${why}`,
          { suggestion: 'push again when they are back; gam replica status tells' },
        );
      }
    },
    taken: async () => {
      const grace = Math.max(GRACE_MS, performance.now() - began);
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, grace);
      });
      await Promise.race([Promise.all(pending), over]);
      clearTimeout(timer);
      return [...taken];
    },
  };
}
