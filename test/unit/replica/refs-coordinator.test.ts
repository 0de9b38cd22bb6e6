import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import type { MemberLine } from '../../../src/replica/member-line.ts';
import { RefsArbiter } from '../../../src/replica/refs-arbiter.ts';
import { RefsCoordinator } from '../../../src/replica/refs-coordinator.ts';
import type { Answer, Operation } from '../../../src/replica/request.ts';
import { gateMemory, MadeUpArbiter } from '../../helpers/made-up-arbiter.ts';
import { describePush, faultsOf, type PushedRef, type RecordedPush } from '../../helpers/push-history.ts';
import { below, namedSeeds, oneOf, type Random, seededRandom } from '../../helpers/random.ts';

// The coordinator over an arbiter that is only made up, so that thousands of pushes go wrong in every way that a seed draws, in
// seconds: requests that are lost, or arrive when nobody waits for them any more, answers that are lost, and a git that is killed
// between two refs, whose lock files then keep others from these for a while. GAM_FAULT_SEED=<n> runs one seed, <n>-<m> a row of them.

const PACE = { leaseMs: 120, firstLookMs: 2, lookMs: 10 };
const REFS = ['refs/heads/main', 'refs/heads/next', 'refs/tags/v1'];

const unreachable = () => new GamError('member-unreachable', 'the line broke');

/** What is drawn for a request. */
type Fate = 'done' | 'lost' | 'late' | 'unanswered' | 'killed';

class FaultyArbiter extends MadeUpArbiter {
  readonly #random: Random;
  calm = false;

  constructor(random: Random) {
    super(() => below(random, 100));
    this.#random = random;
  }

  line(): MemberLine & { cut: boolean } {
    const line = {
      cut: false,
      idle: async () => undefined,
      ask: async (operation: Operation): Promise<Answer> => {
        if (line.cut) throw unreachable();
        this.keep(operation);
        await pause(this.#delay());
        const answer = await this.#answer(operation);
        await pause(this.#delay());
        if (line.cut) throw unreachable();
        return answer;
      },
    };
    return line;
  }

  // Now and then as long as a lease holds.
  #delay(): number {
    const isSlow = !this.calm && this.#random() < 0.03;
    return below(this.#random, isSlow ? 150 : 3);
  }

  async #answer(operation: Operation): Promise<Answer> {
    const roll = this.#random();
    const fate: Fate =
      this.calm || roll < 0.75 ? 'done' : oneOf<Fate>(this.#random, ['lost', 'late', 'unanswered', 'killed']);
    if (fate === 'lost') throw unreachable();
    if (operation.kind !== 'swap') {
      if (fate !== 'done') throw unreachable();
      return this.perform(operation);
    }
    if (fate === 'late') {
      setTimeout(() => this.perform(operation), below(this.#random, 200));
      throw unreachable();
    }
    const behind = operation.behind?.length ?? 0;
    const most = fate === 'killed' ? below(this.#random, operation.swaps.length + behind + 1) : Infinity;
    const answer = this.perform(operation, most);
    if (fate !== 'done') throw unreachable();
    return answer;
  }
}

class Doubt extends Error {}

const oidOf = (n: number) => n.toString(16).padStart(8, '0').padEnd(40, '0');

async function run(seed: number): Promise<{ pushes: RecordedPush[]; faults: string[] }> {
  const random = seededRandom(seed);
  const arbiter = new FaultyArbiter(random);
  const pushes: RecordedPush[] = [];
  const ends: (() => void)[] = [];
  const lies: string[] = [];
  let values = 0;

  const member = async (holder: string): Promise<void> => {
    const memory = gateMemory();
    for (let turn = 0; turn < 4; turn += 1) {
      // A line for each push: one that is cut is a process that was killed.
      const line = arbiter.line();
      const coordinator = new RefsCoordinator(new RefsArbiter(line, 'sha1'), PACE, memory);
      const refs = REFS.filter(() => random() < 0.5);
      if (refs.length === 0) refs.push(REFS[0] ?? '');
      const start = performance.now();
      const name = `${holder}-${turn}`;
      let updates: PushedRef[] = [];
      let outcome: RecordedPush['outcome'] = 'refused';
      const dies = random() < 0.2 ? below(random, 60) : null;
      let isDead = false;
      if (dies !== null)
        setTimeout(() => {
          isDead = true;
          line.cut = true;
        }, dies);
      try {
        const before = await coordinator.state();
        updates = refs.map((ref) => {
          values += 1;
          const to = random() < 0.4 ? null : oidOf(random() < 0.2 ? below(random, values) + 1 : values);
          return { ref, old: before.get(ref) ?? null, new: to };
        });
        const trace = { ref: `refs/along/${name}`, old: null, new: oidOf(1) };
        const along = { member: 'arbiter', swaps: [trace] };
        if (random() < 0.5) {
          outcome = 'unknown';
          const changes = updates;
          const commit = { holder, transaction: name, changes, along, objects: [] };
          const told = await coordinator.commitAtOnce(commit).catch((error: unknown) => {
            if (error instanceof GamError && error.code !== 'member-unreachable') return undefined;
            throw new Doubt();
          });
          if (told === true && !arbiter.refs.has(trace.ref)) lies.push(name);
          if (isDead) throw new Doubt();
          outcome = typeof told === 'boolean' ? 'acknowledged' : 'refused';
          if (told !== null) continue;
        }
        const signal = AbortSignal.timeout(600);
        const lease = await coordinator.lock(refs, { holder, transaction: name, signal });
        ends.push(() => void lease.release());
        try {
          outcome = 'unknown';
          const isAlong = await lease.commit(updates, ...(random() < 0.5 ? [along] : []));
          if (isAlong && !arbiter.refs.has(trace.ref)) lies.push(name);
          outcome = isDead ? 'unknown' : 'acknowledged';
        } catch (error) {
          if (!isDead && error instanceof GamError && error.code !== 'member-unreachable')
            outcome = 'refused';
        }
        if (!isDead) await lease.release();
      } catch {
        // The locks could not be had: nothing has changed. Or nobody knows.
      } finally {
        pushes.push({ name, start, end: performance.now(), updates, outcome });
      }
    }
  };
  await Promise.all(['eu', 'us', 'ap'].map(member));
  arbiter.calm = true;
  // What is late arrives; what is locked is free; leases end.
  await pause(400);
  const last = new RefsCoordinator(new RefsArbiter(arbiter.line(), 'sha1'), PACE);
  const state = await last.state();
  const lease = await last.lock(REFS, {
    holder: 'last',
    transaction: 'last',
    signal: AbortSignal.timeout(5000),
  });
  await lease.release();
  for (const end of ends) end();
  const faults = faultsOf({
    before: new Map(),
    pushes,
    state,
    complaints: new Map(),
    members: new Map([['arbiter', arbiter.state()]]),
  });
  return { pushes, faults: [...faults, ...lies.map((name) => `${name}: what went along was not done`)] };
}

const seeds = namedSeeds(1000);

// So many that each now and then comes late, and leases run out.
const AT_ONCE = 250;

test('whatever happens on the way to the arbiter, and to its git, no push that was committed is lost', async () => {
  let done = 0;
  for (let n = 0; n < seeds.length; n += AT_ONCE) {
    const runs = seeds.slice(n, n + AT_ONCE).map(async (seed) => ({ seed, ...(await run(seed)) }));
    for (const { seed, pushes, faults } of await Promise.all(runs)) {
      done += pushes.filter(({ outcome }) => outcome === 'acknowledged').length;
      expect(faults, `GAM_FAULT_SEED=${seed}\n${pushes.map(describePush).join('\n')}`).toEqual([]);
    }
  }
  expect(done).toBeGreaterThan(seeds.length);
});
