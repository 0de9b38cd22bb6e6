import { TIME } from './figures.ts';
import type { Setting, Way } from './row.ts';
import type { Place } from './scene.ts';
import { makeClient, measured, type Stage } from './stage.ts';

/** Fetches that find nothing new, plainly and through gam with these mirrors, each by a client of its own. */
export async function nothingNew(
  stage: Stage,
  name: string,
  url: string,
  mirrors: readonly Place[],
): Promise<Setting> {
  const way = async (title: string, from: string, own: readonly Place[]): Promise<Way> => {
    const cwd = `${name}-${own.length}-${from.startsWith('mirror::') ? 'gam' : 'plain'}`;
    await makeClient(stage, cwd, { has: 'canonical.git', url: from, mirrors: own });
    return { title, run: () => measured(stage, 'git', ['fetch', '-q'], { cwd }) };
  };
  return {
    ways: [await way('plain', url, []), await way('through gam', `mirror::${url}`, mirrors)],
    figures: [TIME],
  };
}
