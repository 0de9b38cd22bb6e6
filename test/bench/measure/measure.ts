import type { Screen } from '../demo/screen.ts';
import type { Outcome } from './report.ts';
import type { Row, Sample } from './row.ts';
import type { Stage } from './stage.ts';

/**
 * Runs every way of a row in turn, round by round, each round beginning with another way: what changes
 * on the machine meets all of them alike.
 */
export async function measureRow(stage: Stage, screen: Screen, row: Row, rounds: number): Promise<Outcome> {
  let now = 'preparing';
  const work = async () => {
    const setting = await row.set(stage);
    const samples: Sample[][] = setting.ways.map(() => []);
    try {
      // The first run of everything finds no file in memory yet; nobody counts it.
      for (let round = -1; round < rounds; round += 1) {
        for (const index of setting.ways.keys()) {
          const turn = (index + round + 1) % setting.ways.length;
          const way = setting.ways[turn];
          now = round < 0 ? `warming up: ${way?.title}` : `round ${round + 1} of ${rounds}: ${way?.title}`;
          const sample = await way?.run();
          if (round >= 0 && sample !== undefined) samples[turn]?.push(sample);
        }
      }
    } finally {
      await setting.close?.();
    }
    return { row, setting, samples };
  };
  return screen.step(row.name, work, () => now);
}
