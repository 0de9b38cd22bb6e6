/** A ref in a push; null is none. */
export interface PushedRef {
  ref: string;
  old: string | null;
  new: string | null;
}

/** A push as its pusher saw it. What is not atomic is recorded as a push for each ref. */
export interface RecordedPush {
  /** For messages. */
  name: string;
  updates: readonly PushedRef[];
  /** `unknown`: nobody told the pusher that it was done, nor that it was not. */
  outcome: 'acknowledged' | 'refused' | 'unknown';
  /** On any clock that does not go back. */
  start: number;
  end: number;
}

/** Refs by name. */
export type Refs = ReadonlyMap<string, string>;

/** Everything that happened to a group, and what it came to. */
export interface PushHistory {
  before: Refs;
  pushes: readonly RecordedPush[];
  /** What the group agreed on in the end. */
  state: Refs;
  /** What each member has in the end, by its id. */
  members: ReadonlyMap<string, Refs>;
  /** What git fsck complains of, by member; empty where it does not. */
  complaints: ReadonlyMap<string, string>;
}

const short = (oid: string | null | undefined) => oid?.slice(0, 8) ?? 'none';

/** A push in words, for messages. */
export function describePush({ name, updates, outcome, start, end }: RecordedPush): string {
  const refs = updates.map((one) => `${one.ref} ${short(one.old)} -> ${short(one.new)}`);
  return `${Math.round(start)}..${Math.round(end)} ${name} ${outcome}: ${refs.join(', ')}`;
}

/** Refs that are only changed together are looked at together; others need not be, since each push of them is for itself. */
function parts(history: PushHistory): { refs: Set<string>; pushes: RecordedPush[] }[] {
  const all = new Set([...history.before.keys(), ...history.state.keys()]);
  for (const { updates } of history.pushes) for (const { ref } of updates) all.add(ref);
  const groupOf = new Map([...all].map((ref) => [ref, new Set([ref])]));
  for (const { updates } of history.pushes) {
    const joined = new Set(updates.flatMap(({ ref }) => [...(groupOf.get(ref) ?? [])]));
    for (const ref of joined) groupOf.set(ref, joined);
  }
  return [...new Set(groupOf.values())].map((refs) => ({
    refs,
    pushes: history.pushes.filter(({ updates }) => updates.some(({ ref }) => refs.has(ref))),
  }));
}

/**
 * Looks for an order in which all acknowledged pushes, some of the unknown ones, and no refused one lead from the beginning to the end,
 * each from the values that it names, and none before one that had ended when it began (Wing and Gong, 1993: linearizability).
 *
 * @returns null when there is one; else how far the best attempt came
 */
function orderFault(
  refs: ReadonlySet<string>,
  pushes: readonly RecordedPush[],
  history: PushHistory,
): string | null {
  const able = pushes.filter(({ outcome }) => outcome !== 'refused');
  const needed = able.filter(({ outcome }) => outcome === 'acknowledged').length;
  const values = new Map([...refs].map((ref) => [ref, history.before.get(ref) ?? null]));
  const used = able.map(() => false);
  const tried = new Set<string>();
  let best = -1;
  let reached = '';
  const isEnd = () => [...refs].every((ref) => values.get(ref) === (history.state.get(ref) ?? null));

  const search = (placed: number): boolean => {
    if (placed === needed && isEnd()) return true;
    const key = used.map(Number).join('') + [...values.values()].join();
    if (tried.has(key)) return false;
    tried.add(key);
    const waiting = able.filter((_, n) => !used[n]);
    if (placed > best) {
      best = placed;
      const left = waiting.filter(({ outcome }) => outcome === 'acknowledged').map(describePush);
      const now = [...values].map(([ref, value]) => `${ref} ${short(value)}`).join(', ');
      reached = `after ${placed} of ${needed} acknowledged pushes stands ${now}; the others: ${left.join('; ') || 'none'}`;
    }
    const first = Math.min(...waiting.map((push) => (push.outcome === 'acknowledged' ? push.end : Infinity)));
    for (const [n, push] of able.entries()) {
      if (used[n] || push.start > first) continue;
      if (push.updates.some(({ ref, old }) => values.get(ref) !== old)) continue;
      used[n] = true;
      for (const { ref, new: to } of push.updates) values.set(ref, to);
      if (search(placed + Number(push.outcome === 'acknowledged'))) return true;
      used[n] = false;
      for (const { ref, old } of push.updates) values.set(ref, old);
    }
    return false;
  };
  return search(0) ? null : reached;
}

/**
 * What a history says against the promises of a group; nothing, where they were kept. Acknowledged pushes are in one order that leads to
 * what the group has: none is lost, and no two exclude each other.
 */
export function faultsOf(history: PushHistory): string[] {
  const faults: string[] = [];
  for (const { refs, pushes } of parts(history)) {
    const fault = orderFault(refs, pushes, history);
    const end = [...refs].map((ref) => `${ref} ${short(history.state.get(ref))}`).join(', ');
    if (fault !== null) faults.push(`no order of pushes leads to ${end}: ${fault}`);
  }
  for (const [member, refs] of history.members)
    for (const ref of new Set([...refs.keys(), ...history.state.keys()]))
      if (refs.get(ref) !== history.state.get(ref))
        faults.push(
          `${member} has ${ref} at ${short(refs.get(ref))}, the group at ${short(history.state.get(ref))}`,
        );
  for (const [member, complaint] of history.complaints)
    if (complaint !== '') faults.push(`git fsck complains at ${member}: ${complaint}`);
  return faults;
}
