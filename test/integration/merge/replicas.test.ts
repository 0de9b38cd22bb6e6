import * as fs from 'node:fs';
import { mkdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { writeCommit } from 'isomorphic-git';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mergeHeads } from '../../../src/merge/heads.ts';
import { edited, firstFiles } from '../../helpers/merge-edits.ts';
import { makeReplicas, type Replica } from '../../helpers/merge-replicas.ts';
import { type MergeStore, makeStore } from '../../helpers/merge-store.ts';
import { below, type Random, seededRandom } from '../../helpers/random.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

// GAM_MERGE_RUNS=500 takes minutes; GAM_MERGE_SEED=<n> goes another way.
const RUNS = Number(process.env['GAM_MERGE_RUNS'] ?? 15);
const SEED = Number(process.env['GAM_MERGE_SEED'] ?? 6);

const sandbox = makeSandbox();
const stores: MergeStore[] = [];
beforeAll(async () => {
  stores.push(await makeStore(sandbox, 'sha1'), await makeStore(sandbox, 'sha256', 'sha256'));
});
afterAll(() => sandbox.close());

/** What happens to whom. */
type Step =
  | { kind: 'edit'; who: number; seed: number }
  /** One learns what another one has, or had: a message may be late. */
  | { kind: 'learn'; who: number; from: number; late: number }
  /** Both at the same time. */
  | { kind: 'meet'; who: number; from: number };

const who = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('edit' as const), who, seed: fc.nat() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('learn' as const), who, from: who, late: fc.nat(2) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('meet' as const), who, from: who }) },
);
const story = fc.record({
  isLong: fc.boolean(),
  count: fc.integer({ min: 2, max: 6 }),
  seed: fc.nat(),
  steps: fc.array(step, { minLength: 4, maxLength: 16 }),
});

/** Watches what merges make of histories, without git. */
function makeWitness(store: MergeStore) {
  const before = new Map<string, Set<string>>();
  const words = new Map<string, Set<string>>();
  const ancestors = (oid: string): Set<string> => {
    const known = before.get(oid);
    if (known !== undefined) return known;
    const all = new Set([oid, ...store.objects.parentsOf(oid).flatMap((parent) => [...ancestors(parent)])]);
    before.set(oid, all);
    return all;
  };
  const wordsOf = (oid: string): Set<string> => {
    const known =
      words.get(oid) ?? new Set(JSON.stringify(Object.values(store.filesOf(oid))).match(/word\d+;/g));
    words.set(oid, known);
    return known;
  };
  const bases = (a: string, b: string): string[] => {
    const common = [...ancestors(a)].filter((oid) => ancestors(b).has(oid));
    return common.filter((oid) => !common.some((one) => one !== oid && ancestors(one).has(oid)));
  };
  /** Words of one of two commits that the common history does not have, and their merge neither. */
  const lost = (a: string, b: string, merged: string): string[] => {
    const old = new Set(bases(a, b).flatMap((oid) => [...wordsOf(oid)]));
    return [...wordsOf(a), ...wordsOf(b)].filter((word) => !old.has(word) && !wordsOf(merged).has(word));
  };
  return { ancestors, lost };
}

interface World {
  store: MergeStore;
  witness: ReturnType<typeof makeWitness>;
  replicas: Replica[];
  merges: Set<string>;
  encounters: number;
  now: number;
  words: number;
  edits: Set<string>;
}

async function learn(world: World, one: Replica, head: string): Promise<string> {
  const { witness, merges, store } = world;
  if (witness.ancestors(one.head).has(head)) return one.head;
  const merged = await mergeHeads([one.head, head], { run: one.run, onConflict: 'keep-both' });
  if (merged.kind === 'conflict') throw new Error('not settled');
  if (witness.ancestors(head).has(one.head)) expect(merged).toEqual({ kind: 'forward', oid: head });
  else {
    world.encounters += 1;
    merges.add(merged.oid);
    expect(store.objects.parentsOf(merged.oid)).toEqual([one.head, head].sort());
    expect(witness.lost(one.head, head, merged.oid)).toEqual([]);
    expect(JSON.stringify(store.filesOf(merged.oid))).not.toMatch(/<<<<<<<|>>>>>>>|~[0-9a-f]{40}/);
  }
  return merged.oid;
}

function moveTo(replica: Replica, head: string): void {
  replica.head = head;
  replica.was.push(head);
}

async function perform(world: World, action: Step): Promise<void> {
  const { replicas, store } = world;
  const one = replicas[action.who % replicas.length] as Replica;
  if (action.kind === 'edit') {
    world.now += 60;
    const newWord = () => `word${(world.words += 1)};`;
    const files = edited(store.filesOf(one.head), newWord, seededRandom(action.seed));
    const tree = store.objects.treeOf(store.commit(files));
    const date = world.now + one.skew;
    moveTo(one, store.objects.writeCommit({ tree, parents: [one.head], date, zone: one.zone, message: 'e' }));
    world.edits.add(one.head);
    return;
  }
  const other = replicas[action.from % replicas.length] as Replica;
  if (action.kind === 'learn') {
    const head = other.was.at(-1 - action.late) ?? other.head;
    moveTo(one, await learn(world, one, head));
    return;
  }
  const [here, there] = [await learn(world, one, other.head), await learn(world, other, one.head)];
  expect(here).toBe(there);
  moveTo(one, here);
  moveTo(other, there);
}

/** Everybody hears of everybody, in any order. */
async function tellAll(world: World, random: Random): Promise<void> {
  const pairs = world.replicas.flatMap((one) =>
    world.replicas.map((other) => ({ one, other, at: random() })),
  );
  for (const { one, other } of pairs.sort((a, b) => a.at - b.at))
    if (one.head !== other.head) moveTo(one, await learn(world, one, other.head));
}

let stories = 0;

function makeWorld(isLong: boolean, count: number, random: Random): World {
  const store = stores[isLong ? 1 : 0] as MergeStore;
  const base = store.commit(firstFiles());
  const replacement = store.commit({});
  stories += 1;
  const replicas = makeReplicas(sandbox, { store, name: `r${stories}`, count, base, replacement }, random);
  const witness = makeWitness(store);
  return {
    store,
    witness,
    replicas,
    merges: new Set(),
    encounters: 0,
    now: 1_700_000_000 + below(random, 9),
    words: 0,
    edits: new Set(),
  };
}

/** The id that another implementation gives to a commit of the same tree and parents. */
async function idByIsomorphicGit({ objects }: MergeStore, oid: string): Promise<string> {
  const gitdir = sandbox.path('isomorphic');
  mkdirSync(gitdir, { recursive: true });
  const text = objects.read(oid).toString();
  const parent = objects.parentsOf(oid);
  const dates = parent.map((one) => Number(/^committer .* (\d+) /m.exec(objects.read(one).toString())?.[1]));
  const by = {
    name: 'gam',
    email: 'merge@gam.invalid',
    timestamp: Math.max(...dates),
    timezoneOffset: 0,
  };
  const told = /^Gam-Conflicts: .*\n/m.exec(text)?.[0] ?? '';
  const message = `Merge ${parent.join(' and ')}\n\nWhoever merges these gets this very commit.\n\n${told}Gam-Merge: 1\n`;
  const commit = { message, tree: objects.treeOf(oid), parent, author: by, committer: by };
  return writeCommit({ fs, gitdir, commit });
}

describe('replicas that edit, meet, miss each other and hear late', () => {
  const timeout = 60_000 + RUNS * 5000;
  test('come to one head that has everything, with no more merges than encounters', { timeout }, async () => {
    const seen = { merges: 0, settled: 0 };
    await fc.assert(
      fc.asyncProperty(story, async ({ isLong, count, seed, steps }) => {
        const random = seededRandom(seed);
        const world = makeWorld(isLong, count, random);
        for (const one of steps) await perform(world, one);
        for (let round = 0; new Set(world.replicas.map(({ head }) => head)).size > 1; round += 1) {
          expect(round).toBeLessThan(count);
          await tellAll(world, random);
        }
        const head = world.replicas[0]?.head ?? '';
        for (const edit of world.edits) expect(world.witness.ancestors(head).has(edit)).toBe(true);
        expect(world.merges.size).toBeLessThanOrEqual(world.encounters);
        for (const merge of world.merges) {
          seen.merges += 1;
          if (world.store.objects.read(merge).toString().includes('Gam-Conflicts')) seen.settled += 1;
          if (!isLong) expect(await idByIsomorphicGit(world.store, merge)).toBe(merge);
        }
        // What was late comes in the end, and makes nothing new.
        for (const one of world.replicas)
          for (const old of world.replicas.flatMap(({ was }) => was))
            expect(await learn(world, one, old)).toBe(head);
      }),
      { numRuns: RUNS, seed: SEED, endOnFailure: process.env['GAM_MERGE_RUNS'] !== undefined },
    );
    // Else it shows nothing.
    expect(seen.merges).toBeGreaterThan(RUNS);
    expect(seen.settled).toBeGreaterThan(RUNS / 2);
    for (const store of stores) expect(await store.complaints()).toBe('');
  });
});
