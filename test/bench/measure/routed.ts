import type { Way } from './row.ts';
import { cloned, type Stage, withMirrors } from './stage.ts';

/** The same clone plainly from canonical, and through gam with a fresh mirror near by. */
export function clonedBoth(stage: Stage, options: readonly string[]): [Way, Way] {
  const { canonical, fresh } = stage.scene;
  const throughGam = [...withMirrors([fresh]), ...options, `mirror::${canonical.url}`];
  return [
    { title: 'plain, from canonical', run: () => cloned(stage, [...options, canonical.url]) },
    { title: 'through gam', run: () => cloned(stage, throughGam) },
  ];
}
