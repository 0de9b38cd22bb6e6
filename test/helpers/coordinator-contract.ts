import { describe, expect, test, vi } from 'vitest';
import type { Coordinator, HeldLock, Lease } from '../../src/replica/coordinator.ts';

/** Members of a group, each with its own way to what they agree on. */
export interface Members {
  first: Coordinator;
  second: Coordinator;
  /** Ids of objects that there are. */
  oids: readonly [string, string, string];
  /** Has the first member neither renew its leases nor reach anybody, as a machine that stands still does. */
  freeze: () => void;
  thaw: () => void;
  remove: () => Promise<void>;
}

const MAIN = 'refs/heads/main';
const NEXT = 'refs/heads/next';

const never = () => new AbortController().signal;
const lockOf = (coordinator: Coordinator, refs: readonly string[], holder = 'eu', signal = never()) =>
  coordinator.lock(refs, { holder, transaction: `${holder}-1`, signal });

async function held(lease: Lease, work: () => Promise<unknown>): Promise<void> {
  await work().finally(() => lease.release());
}

/** Leases are a second long, where the end of one is waited for; where there is much to do, a busy machine needs longer ones. */
const SHORT_MS = 1000;
/** Where a holder has to renew in time, and is held up for a second now and then. */
const KEPT_MS = 3000;
const LONG_MS = 30_000;

/** Makes members whose leases are so many milliseconds long. */
type Open = (leaseMs: number) => Promise<Members>;

function withMembers(open: Open, work: (members: Members) => Promise<void>, leaseMs = LONG_MS) {
  return async () => {
    const members = await open(leaseMs);
    try {
      await work(members);
    } finally {
      await members.remove();
    }
  };
}

/** What is asked of every coordinator's state: of values, however they look, and of many of them. */
export function stateContract(name: string, open: Open): void {
  describe(name, () => {
    test(
      'tells everybody what was committed under a lock, and who holds it',
      withMembers(open, async ({ first, second, oids: [a, b] }) => {
        expect([await second.state(), await second.locks()]).toEqual([new Map(), []]);
        const lease = await lockOf(first, [MAIN, 'refs/tags/v1']);
        const locks = await second.locks();
        expect(new Map(locks.map(({ ref, holder }) => [ref, holder]))).toEqual(
          new Map([
            [MAIN, 'eu'],
            ['refs/tags/v1', 'eu'],
          ]),
        );
        expect(locks.length).toBe(2);
        await lease.commit([{ ref: MAIN, old: null, new: a }]);
        await lease.commit([
          { ref: MAIN, old: a, new: b },
          { ref: 'refs/tags/v1', old: null, new: a },
        ]);
        expect(await second.state()).toEqual(
          new Map([
            [MAIN, b],
            ['refs/tags/v1', a],
          ]),
        );
        await lease.commit([{ ref: MAIN, old: b, new: null }]);
        await lease.release();
        expect([await second.state(), await second.locks()]).toEqual([new Map([['refs/tags/v1', a]]), []]);
      }),
    );

    test(
      'changes nothing where one ref was meant to be something else',
      withMembers(open, async ({ first, second, oids: [a, b, c] }) => {
        const lease = await lockOf(first, [MAIN, NEXT]);
        await lease.commit([{ ref: MAIN, old: null, new: a }]);
        const moved = lease.commit([
          { ref: NEXT, old: null, new: b },
          { ref: MAIN, old: c, new: b },
        ]);
        await expect(moved).rejects.toMatchObject({
          code: 'replica-behind',
          message: expect.stringContaining(MAIN),
        });
        await expect(lease.commit([{ ref: MAIN, old: null, new: b }])).rejects.toMatchObject({
          code: 'replica-behind',
        });
        expect(await second.state()).toEqual(new Map([[MAIN, a]]));
        await lease.commit([{ ref: MAIN, old: a, new: c }]);
        await lease.release();
      }),
    );

    test(
      'takes ten thousand refs in one commit',
      withMembers(open, async ({ first, second, oids: [a, b] }) => {
        const refs = Array.from({ length: 10_000 }, (_, n) => `refs/heads/topic/of-some-length/${n}`);
        const lease = await lockOf(first, refs);
        await lease.commit(refs.map((ref) => ({ ref, old: null, new: a })));
        await lease.commit(refs.map((ref, n) => ({ ref, old: a, new: n % 2 === 0 ? b : null })));
        const state = await second.state();
        expect(state.size).toBe(5000);
        expect(new Set(state.values())).toEqual(new Set([b]));
        await lease.release();
        expect(await second.locks()).toEqual([]);
      }),
    );

    test(
      'changes none of many refs where one was meant to be something else',
      withMembers(open, async ({ first, second, oids: [a, b, c] }) => {
        const refs = Array.from({ length: 700 }, (_, n) => `refs/heads/${n}`);
        const narrow = await lockOf(second, ['refs/heads/555'], 'us');
        const lease = await lockOf(first, refs);
        await narrow.commit([{ ref: 'refs/heads/555', old: null, new: c }]);
        await expect(lease.commit(refs.map((ref) => ({ ref, old: null, new: a })))).rejects.toMatchObject({
          code: 'replica-behind',
          message: expect.stringContaining('555'),
        });
        expect(await first.state()).toEqual(new Map([['refs/heads/555', c]]));
        await narrow.commit([{ ref: 'refs/heads/555', old: c, new: b }]);
        await lease.commit(refs.map((ref) => ({ ref, old: ref === 'refs/heads/555' ? b : null, new: a })));
        await expect(narrow.commit([{ ref: 'refs/heads/555', old: b, new: c }])).rejects.toMatchObject({
          code: 'replica-behind',
        });
        await Promise.all([narrow.release(), lease.release()]);
        expect(await second.state()).toEqual(new Map(refs.map((ref) => [ref, a])));
      }),
    );

    test(
      'loses no change of many that come at once',
      withMembers(open, async ({ first, second, oids }) => {
        const refs = [MAIN, NEXT, 'refs/heads/third'];
        let changes = 0;
        const change = async (coordinator: Coordinator, holder: string, n: number) => {
          const ref = refs[n % refs.length] ?? MAIN;
          const lease = await coordinator.lock([ref], {
            holder,
            transaction: `${holder}-${n}`,
            signal: never(),
          });
          const old = (await coordinator.state()).get(ref) ?? null;
          const next = oids[(oids.indexOf(old ?? '') + 1) % oids.length] ?? null;
          await held(lease, () => lease.commit([{ ref, old, new: next }]));
          changes += 1;
        };
        await Promise.all(
          [0, 1, 2, 3, 4, 5].flatMap((n) => [change(first, 'eu', n), change(second, 'us', n)]),
        );
        expect(changes).toBe(12);
        // Four changes of each, one after the other.
        expect([...(await first.state()).values()]).toEqual([oids[0], oids[0], oids[0]]);
      }),
    );
  });
}

/** What is asked of every coordinator (src/replica/coordinator.ts). */
export function coordinatorContract(name: string, open: Open): void {
  stateContract(name, open);
  describe(name, () => {
    test(
      'has the second wait for the first, and tells it for whom',
      withMembers(open, async ({ first, second, oids: [a, b] }) => {
        const order: string[] = [];
        const lease = await lockOf(first, [MAIN]);
        let told: (lock: HeldLock) => void = () => undefined;
        const waited = new Promise<HeldLock>((resolve) => {
          told = resolve;
        });
        const options = {
          holder: 'us',
          transaction: 'us-1',
          signal: never(),
          waiting: (one: HeldLock) => told(one),
        };
        const later = second.lock([NEXT, MAIN], options).then(async (own) => {
          order.push('second');
          await held(own, () => own.commit([{ ref: MAIN, old: a, new: b }]));
        });
        expect(await waited).toMatchObject({ ref: MAIN, holder: 'eu', transaction: 'eu-1' });
        await lease.commit([{ ref: MAIN, old: null, new: a }]);
        order.push('first');
        await lease.release();
        await later;
        expect(order).toEqual(['first', 'second']);
        expect(await first.state()).toEqual(new Map([[MAIN, b]]));
      }),
    );

    test(
      'takes all locks or none, so that who waits for one holds up nobody else',
      withMembers(open, async ({ first, second }) => {
        const lease = await lockOf(first, [NEXT]);
        const stop = new AbortController();
        let told: () => void = () => undefined;
        const waiting = new Promise<void>((resolve) => {
          told = resolve;
        });
        const options = { holder: 'us', transaction: 'us-1', signal: stop.signal, waiting: () => told() };
        const refused = expect(second.lock([MAIN, NEXT], options)).rejects.toMatchObject({
          code: 'lock-timeout',
        });
        await waiting;
        await held(await lockOf(first, [MAIN]), async () => undefined);
        stop.abort();
        await refused;
        await lease.release();
      }),
    );

    test(
      'locks different branches side by side, though one is named as the folder of another',
      withMembers(open, async ({ first, second }) => {
        const leases = await Promise.all([
          lockOf(first, ['refs/heads/a']),
          lockOf(second, ['refs/heads/a/b'], 'us'),
        ]);
        expect((await first.locks()).map(({ ref }) => ref).sort()).toEqual([
          'refs/heads/a',
          'refs/heads/a/b',
        ]);
        await Promise.all(leases.map((lease) => lease.release()));
      }),
    );

    test(
      'commits nothing for a ref that was not locked',
      withMembers(open, async ({ first, second, oids: [a] }) => {
        const lease = await lockOf(first, [MAIN]);
        await expect(lease.commit([{ ref: NEXT, old: null, new: a }])).rejects.toMatchObject({
          code: 'lease-lost',
        });
        await lease.release();
        await expect(lease.commit([{ ref: MAIN, old: null, new: a }])).rejects.toMatchObject({
          code: 'lease-lost',
        });
        expect(await second.state()).toEqual(new Map());
      }),
    );

    test(
      'gives the lock of a holder that stands still to the next, and lets it change nothing when it returns',
      withMembers(
        open,
        async ({ first, second, oids: [a, b], freeze, thaw }) => {
          const late = await lockOf(first, [MAIN]);
          freeze();
          const lease = await lockOf(second, [MAIN], 'us');
          await lease.commit([{ ref: MAIN, old: null, new: b }]);
          thaw();
          await expect(late.commit([{ ref: MAIN, old: null, new: a }])).rejects.toMatchObject({
            code: 'lease-lost',
          });
          await expect(late.commit([{ ref: MAIN, old: b, new: a }])).rejects.toMatchObject({
            code: 'lease-lost',
          });
          expect(late.lost.aborted).toBe(true);
          await late.release();
          expect((await first.locks()).map(({ holder }) => holder)).toEqual(['us']);
          await lease.release();
          expect(await first.state()).toEqual(new Map([[MAIN, b]]));
        },
        SHORT_MS,
      ),
    );

    test(
      'keeps a lock for longer than its lease while its holder is there',
      withMembers(
        open,
        async ({ first, second, oids: [a] }) => {
          const lease = await lockOf(first, [MAIN]);
          const [before] = await second.locks();
          // A second holder would have had it by then: the wait is as long as two leases.
          const other = lockOf(second, [MAIN], 'us', AbortSignal.timeout(2 * (before?.leaseMs ?? 0)));
          await expect(other).rejects.toMatchObject({
            code: 'lock-timeout',
            message: expect.stringContaining('eu'),
          });
          await lease.commit([{ ref: MAIN, old: null, new: a }]);
          expect(lease.lost.aborted).toBe(false);
          await lease.release();
        },
        KEPT_MS,
      ),
    );

    test(
      'keeps a lock, and commits, while the clock of its machine is set forth and back by an hour',
      withMembers(
        open,
        async ({ first, second, oids: [a, b] }) => {
          const hour = 3_600_000;
          const now = Date.now();
          vi.useFakeTimers({ toFake: ['Date'], now });
          try {
            const lease = await lockOf(first, [MAIN]);
            const leaseMs = (await second.locks())[0]?.leaseMs ?? 0;
            const commits = [
              { ref: MAIN, old: null, new: a },
              { ref: MAIN, old: a, new: b },
            ];
            for (const [n, by] of [hour, -hour].entries()) {
              vi.setSystemTime(now + by);
              const other = lockOf(second, [MAIN], 'us', AbortSignal.timeout(1.5 * leaseMs));
              await expect(other).rejects.toMatchObject({ code: 'lock-timeout' });
              await lease.commit(commits.slice(n, n + 1));
            }
            expect(lease.lost.aborted).toBe(false);
            await lease.release();
            expect([await second.state(), await second.locks()]).toEqual([new Map([[MAIN, b]]), []]);
          } finally {
            vi.useRealTimers();
          }
        },
        KEPT_MS,
      ),
    );
  });
}
