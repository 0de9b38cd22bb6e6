import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { faultsOf, type PushedRef, type PushHistory, type RecordedPush } from '../../helpers/push-history.ts';

// The judge of test/integration/replica/faults.test.ts: it must take every history that keeps the promises, and none that does not.

interface Step {
  pusher: number;
  refs: readonly number[];
  kind: 'move' | 'delete';
  /** Applied and told, applied and not told, and so on. */
  fate: 'acknowledged' | 'refused' | 'unknown-done' | 'unknown-not-done';
  /** Which of the values that were there before it goes to; a new one where there is none. */
  back: number;
  before: number;
  after: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  pusher: fc.nat(4),
  refs: fc.uniqueArray(fc.nat(3), { minLength: 1, maxLength: 3 }),
  kind: fc.constantFrom('move', 'move', 'move', 'delete'),
  fate: fc.constantFrom(
    'acknowledged',
    'acknowledged',
    'acknowledged',
    'refused',
    'unknown-done',
    'unknown-not-done',
  ),
  back: fc.nat(12),
  before: fc.nat(25),
  after: fc.nat(25),
});

const nameOf = (ref: number) => `refs/heads/${ref}`;

/** What pushes come to that are done one after the other at steps of ten, but begin earlier and end later. */
function play(steps: readonly Step[], returns: boolean): PushHistory {
  const state = new Map([['refs/heads/0', 'v0']]);
  const values = ['v0'];
  const free = [0, 0, 0, 0, 0];
  const pushes: RecordedPush[] = [];
  for (const [n, { pusher, refs, kind, fate, back, before, after }] of steps.entries()) {
    const at = 10 * (n + 1);
    const start = Math.max(free[pusher] ?? 0, at - before);
    if (start > at) continue;
    const fresh = (ref: number) => `v${n + 1}.${ref}`;
    const next = (ref: number) => (returns ? (values[back] ?? fresh(ref)) : fresh(ref));
    const updates: PushedRef[] = refs.map((ref) => ({
      ref: nameOf(ref),
      old: state.get(nameOf(ref)) ?? null,
      new: kind === 'delete' ? null : next(ref),
    }));
    const isDone = fate === 'acknowledged' || fate === 'unknown-done';
    if (isDone)
      for (const { ref, new: to } of updates)
        if (to === null) state.delete(ref);
        else {
          state.set(ref, to);
          values.push(to);
        }
    const end = at + after;
    free[pusher] = end + 1;
    const outcome = fate === 'unknown-done' || fate === 'unknown-not-done' ? 'unknown' : fate;
    pushes.push({ name: `p${pusher}`, updates, outcome, start, end });
  }
  const members = new Map(['eu', 'us', 'ap'].map((id) => [id, state]));
  return {
    before: new Map([['refs/heads/0', 'v0']]),
    pushes,
    state,
    members,
    complaints: new Map([['eu', '']]),
  };
}

const histories = fc.array(step, { minLength: 1, maxLength: 14 }).map((steps) => play(steps, false));

/** A history with an acknowledged push of a value, and that push. */
const withPush = histories.chain((history) => {
  const found = history.pushes.filter(
    ({ outcome, updates }) => outcome === 'acknowledged' && updates.some(({ new: to }) => to !== null),
  );
  return found.length === 0
    ? fc.constant(null)
    : fc.constantFrom(...found).map((push) => ({ history, push }));
});

function property(judge: (history: PushHistory, push: RecordedPush) => void): void {
  let looked = 0;
  fc.assert(
    fc.property(withPush, (found) => {
      if (found === null) return;
      looked += 1;
      judge(found.history, found.push);
    }),
    { numRuns: 300 },
  );
  expect(looked).toBeGreaterThan(50);
}

const isRefused = (history: PushHistory) => expect(faultsOf(history)).not.toEqual([]);

test('takes what pushes one after the other come to, whoever was told', () => {
  fc.assert(
    fc.property(histories, (history) => {
      expect(faultsOf(history)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('takes histories in which refs return to values that they had', () => {
  const returning = fc.array(step, { minLength: 1, maxLength: 14 }).map((steps) => play(steps, true));
  fc.assert(
    fc.property(returning, (history) => {
      expect(faultsOf(history)).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('finds an acknowledged push that is lost', () => {
  property((history, push) => {
    const lost = push.updates.find(({ new: to }) => to !== null) as PushedRef;
    // The end is as it would have been had the last push of this ref not been.
    const state = new Map(history.state);
    if (state.get(lost.ref) !== lost.new) return;
    // Somebody may have deleted it, and not have been told.
    const isUnsure = ({ outcome, updates }: RecordedPush) =>
      outcome === 'unknown' && updates.some(({ ref }) => ref === lost.ref);
    if (history.pushes.some(isUnsure)) return;
    if (lost.old === null) state.delete(lost.ref);
    else state.set(lost.ref, lost.old);
    isRefused({ ...history, state, members: new Map([['eu', state]]) });
  });
});

test('finds a value that no push led to', () => {
  property((history, push) => {
    const state = new Map(history.state).set(push.updates[0]?.ref ?? '', 'never');
    isRefused({ ...history, state, members: new Map([['eu', state]]) });
  });
});

test('finds two acknowledged pushes that exclude each other', () => {
  property((history, push) => {
    const from = push.updates.find(({ old }) => old !== null);
    if (from === undefined) return;
    const other: RecordedPush = { ...push, name: 'other', updates: [{ ...from, new: 'other' }] };
    isRefused({ ...history, pushes: [...history.pushes, other] });
  });
});

test('finds a push that was refused, and done', () => {
  property((history, push) => {
    const isLast = push.updates.some(({ ref, new: to }) => to !== null && history.state.get(ref) === to);
    if (!isLast) return;
    const pushes = history.pushes.map((one) =>
      one === push ? { ...one, outcome: 'refused' as const } : one,
    );
    isRefused({ ...history, pushes });
  });
});

test('finds a push that took effect before it was begun', () => {
  property((history, push) => {
    const made = push.updates.find(({ new: to }) => to !== null);
    const next = history.pushes.find(
      ({ outcome, updates }) =>
        outcome === 'acknowledged' && updates.some(({ ref, old }) => ref === made?.ref && old === made.new),
    );
    if (next === undefined) return;
    const late = { ...push, start: next.end + 1, end: next.end + 2 };
    isRefused({ ...history, pushes: history.pushes.map((one) => (one === push ? late : one)) });
  });
});

test('finds half of an atomic push, also of one that nobody was told of', () => {
  for (const outcome of ['acknowledged', 'unknown'] as const) {
    const updates = ['a', 'b'].map((name) => ({ ref: `refs/heads/${name}`, old: null, new: name }));
    const whole = new Map(updates.map(({ ref, new: to }) => [ref, to]));
    const half = new Map([['refs/heads/a', 'a']]);
    const of = (state: Map<string, string>): PushHistory => ({
      before: new Map(),
      pushes: [{ name: 'p', updates, outcome, start: 0, end: 1 }],
      state,
      members: new Map([['eu', state]]),
      complaints: new Map(),
    });
    expect(faultsOf(of(whole))).toEqual([]);
    isRefused(of(half));
  }
});

test('finds a member that has another value, one too many, or one too few', () => {
  property((history, push) => {
    const { ref } = push.updates[0] as PushedRef;
    const other = new Map(history.state).set(ref, 'other');
    const more = new Map(history.state).set('refs/heads/more', 'more');
    const less = new Map(history.state);
    for (const refs of [other, more]) isRefused({ ...history, members: new Map([['us', refs]]) });
    if (less.delete(ref)) isRefused({ ...history, members: new Map([['us', less]]) });
  });
});

test('hears git fsck', () => {
  property((history) => isRefused({ ...history, complaints: new Map([['eu', 'missing blob']]) }));
});
