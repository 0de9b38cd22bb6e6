import { appendFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runFaults } from '../../helpers/fault-run.ts';
import { makePushers, type Pusher } from '../../helpers/pusher.ts';
import { namedSeeds } from '../../helpers/random.ts';
import { type ReplicaScene, setReplicaScene } from '../../helpers/replica-scene.ts';

// Three primaries, five pushers, and what a seed draws of kills, partitions, slow and broken lines, processes that stand still, and clocks that
// jump. GAM_FAULT_SEED=<n> runs one seed, GAM_FAULT_SEED=<n>-<m> a row of them; GAM_FAULT_LOG=<file> is told of each.

/** So many groups go through their seeds side by side: they mostly wait. */
const LANES = 4;

const seeds = namedSeeds(20);
const log = process.env['GAM_FAULT_LOG'];
const lanes = Array.from({ length: Math.min(LANES, seeds.length) }, (_, lane) =>
  seeds.filter((_seed, n) => n % LANES === lane),
);

describe.each(lanes.map((own) => ({ own })))('seeds $own', { concurrent: true }, ({ own }) => {
  let scene: ReplicaScene;
  let pushers: Pusher[];

  beforeAll(async () => {
    scene = await setReplicaScene(['eu', 'us', 'ap']);
    pushers = await makePushers(scene.sandbox, ['ada', 'bob', 'cy', 'dee', 'eve'], 6 * scene.leaseMs);
  });

  afterAll(() => scene.close());

  test('no push is lost', { timeout: 240_000 + own.length * 60_000 }, async () => {
    const broken: string[] = [];
    for (const seed of own) {
      const began = performance.now();
      const { faults, history, ...counts } = await runFaults(scene, pushers, seed);
      const line = { seed, seconds: Math.round((performance.now() - began) / 100) / 10, ...counts, faults };
      if (log !== undefined)
        appendFileSync(log, `${JSON.stringify(line)}\n${faults.length > 0 ? `${history.join('\n')}\n` : ''}`);
      if (faults.length > 0) broken.push([`GAM_FAULT_SEED=${seed}`, ...faults, ...history].join('\n'));
    }
    expect(broken.join('\n\n')).toBe('');
  });
});
