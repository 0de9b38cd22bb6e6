import { cpus, loadavg, release, type } from 'node:os';
import { gitVersion } from '../../../src/git/version.ts';
import { VERSION } from '../../../src/main/version.ts';
import { bytes } from '../demo/figures.ts';
import { FAR, NEAR } from './scene.ts';
import type { Stage } from './stage.ts';

function line(where: string, { roundTrip, rate }: typeof FAR): string {
  return `${where}: ${roundTrip} ms there and back, ${rate / 1e6} Mbit/s`;
}

/** Everything that a reader must know to weigh the results. */
export async function circumstances({ sandbox, subject }: Stage): Promise<string[]> {
  const git = await gitVersion({ env: sandbox.env, cwd: sandbox.root });
  return [
    `${new Date().toISOString().slice(0, 10)}. gam ${VERSION}, git ${git}, Node ${process.versions.node}, ` +
      `${type()} ${release().split('-')[0]}, ${cpus().length} processors, load ${loadavg()[0]?.toFixed(1)} in the end.`,
    `${subject.title}, ${bytes(subject.bytes)}. The stale mirror is ${subject.staleBy} commits behind, and a fetch ` +
      `brings ${subject.oldBy}.`,
    `Simulated lines. ${line('Canonical', FAR)}. ${line('Mirrors', NEAR)}.`,
  ];
}
