import { readFileSync, rmSync } from 'node:fs';
import { watched } from '../../helpers/moments.ts';
import { PEAK } from '../measure/figures.ts';
import type { Row, Sample } from '../measure/row.ts';
import { cloned, type Stage, withMirrors } from '../measure/stage.ts';

/** A clone whose helpers write down at their end what the kernel has marked as their largest memory. */
async function watchedClone(stage: Stage): Promise<Sample> {
  const { sandbox, scene } = stage;
  const file = sandbox.path('peak');
  rmSync(file, { force: true });
  const args = [...withMirrors([scene.fresh]), `mirror::${scene.canonical.url}`];
  const sample = await cloned(stage, args, { env: { ...watched(sandbox), GAM_TEST_PEAK: file } });
  const sizes = [...readFileSync(file, 'utf8').matchAll(/^helper ([0-9]+)$/gm)];
  return { ...sample, peak: 1024 * Math.max(...sizes.map(([, size]) => Number(size))) };
}

export const MEMORY: Row = {
  name: 'memory',
  title: 'Largest memory of the helper in a clone (VmHWM, on Linux)',
  aim: 'under 80 MB whatever the size of the repository',
  rounds: 5,
  set: (stage) =>
    Promise.resolve({
      ways: [{ title: 'through gam', run: () => watchedClone(stage) }],
      figures: [PEAK],
    }),
};
