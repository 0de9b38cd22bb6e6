import type { Sandbox } from '../../helpers/sandbox.ts';
import { bytes, shorten } from './figures.ts';
import type { Place, Scene } from './scene.ts';
import type { Screen } from './screen.ts';

const PATIENCE_MS = 100_000;

/** What one git command took: milliseconds, and bytes by where they came from. */
export interface Taken {
  time: number;
  fromMirror: number;
  fromCanonical: number;
}

/** One row of the result. */
export interface Run extends Taken {
  title: string;
  /** The clone that the run made or fetched into. */
  clone: string;
}

/** Everything a run needs. */
export interface Stage {
  sandbox: Sandbox;
  scene: Scene;
  screen: Screen;
}

function traffic({ canonical, fresh, stale, dead }: Scene): { fromMirror: number; fromCanonical: number } {
  const fromMirror = fresh.line.bytesDown + stale.line.bytesDown + dead.line.bytesDown;
  return { fromMirror, fromCanonical: canonical.line.bytesDown };
}

async function measured(stage: Stage, title: string, args: string[], cwd: string): Promise<Taken> {
  const { sandbox, scene, screen } = stage;
  const before = traffic(scene);
  const since = () => {
    const { fromMirror, fromCanonical } = traffic(scene);
    return {
      fromMirror: fromMirror - before.fromMirror,
      fromCanonical: fromCanonical - before.fromCanonical,
    };
  };
  const status = () => `mirror ${bytes(since().fromMirror)}, canonical ${bytes(since().fromCanonical)}`;
  let time = 0;
  const { stderr } = await screen.step(
    title,
    async () => {
      const start = performance.now();
      const ended = await sandbox.git(args, { cwd, timeout: PATIENCE_MS });
      time = performance.now() - start;
      return ended;
    },
    status,
  );
  for (const line of stderr.split(/[\r\n]+/))
    if (line.startsWith('gam: ')) screen.print(shorten(`    ${line}`));
  return { time, ...since() };
}

function mirrors(scene: Scene, mirror: Place): string[] {
  return [scene.dead.url, mirror.url];
}

/** Clones canonical, plainly or through gam with a mirror; the dead one is named first. */
export async function clone(stage: Stage, title: string, name: string, mirror?: Place): Promise<Run> {
  const { scene } = stage;
  const { url } = scene.canonical;
  const config =
    mirror === undefined
      ? []
      : mirrors(scene, mirror).flatMap((one) => ['-c', `remote.origin.mirrorUrl=${one}`]);
  const from = mirror === undefined ? url : `mirror::${url}`;
  return {
    title,
    clone: name,
    ...(await measured(stage, title, ['clone', ...config, from, name], '.')),
  };
}

/** Fetches from canonical into a clone of the old state, plainly or through gam with a mirror. */
export async function fetch(stage: Stage, title: string, name: string, mirror?: Place): Promise<Run> {
  const { sandbox, scene } = stage;
  const { url } = scene.canonical;
  await sandbox.git(['clone', '--quiet', 'repositories/old.git', name]);
  const set = (key: string, value: string) => sandbox.git(['config', '--add', key, value], { cwd: name });
  await sandbox.git(['config', 'remote.origin.url', mirror === undefined ? url : `mirror::${url}`], {
    cwd: name,
  });
  if (mirror !== undefined) {
    for (const one of mirrors(scene, mirror)) await set('remote.origin.mirrorUrl', one);
  }
  return { title, clone: name, ...(await measured(stage, title, ['fetch'], name)) };
}
