import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type FakeSsh, fakeSsh } from '../helpers/fake-ssh.ts';
import { setOrigin } from '../helpers/repository.ts';
import { expectFetched, type Scene, setScene } from '../helpers/scene.ts';

// Three mirrors of which nothing was ever measured, in Tokyo, São Paulo and Amsterdam by their addresses. Nobody is contacted
// there: ssh logs in here.
const [TOKYO, SAO_PAULO, AMSTERDAM] = ['133.11.0.1', '200.160.2.3', '193.0.6.139'];

let scene: Scene;
let ssh: FakeSsh;
beforeEach(async () => {
  // Who is asked first has everything, and nobody else runs.
  scene = await setScene({ transport: 'http', ahead: 0, config: { 'gam.raceDelay': '1000s' } });
  ssh = fakeSsh(scene.sandbox);
});
afterEach(() => scene.close());

const mirror = (address: string) => `ssh://git@${address}${scene.sandbox.path('served/mirror.git')}`;

/** A clone with the three mirrors, the nearest to Germany last, each added by its command. */
async function cloneWithMirrors(name: string, env: Record<string, string> = {}): Promise<string> {
  const clone = await scene.copy(name);
  setOrigin(scene.sandbox, clone, { mirrorUrl: [] });
  for (const address of [TOKYO, SAO_PAULO, AMSTERDAM])
    await scene.sandbox.run('gam', ['mirrors', 'add', '-q', mirror(address)], { cwd: clone, env });
  return clone;
}

async function fetchIn(clone: string, ...config: string[]): Promise<string> {
  const options = config.flatMap((pair) => ['-c', pair]);
  return (await scene.sandbox.git([...options, 'fetch'], { cwd: clone, env: ssh.env })).stderr;
}

describe('a fetch from mirrors that were never measured', () => {
  test('goes to the nearest, though it is configured last', async () => {
    const clone = await cloneWithMirrors('one');
    expect(await fetchIn(clone, 'gam.location=DE')).toContain(`fetching from ${AMSTERDAM} (`);
    for (const call of ssh.calls()) expect(call).toContain(AMSTERDAM);
    expect(ssh.calls().length).toBeGreaterThan(0);
    await expectFetched(scene, clone);
  });

  test('goes to another where this machine is elsewhere, and as configured where nobody knows', async () => {
    const clone = await cloneWithMirrors('one');
    expect(await fetchIn(clone, 'gam.location=-34.6,-58.4')).toContain(`fetching from ${SAO_PAULO} (`);
    await rm(scene.sandbox.path('home/.local/state'), { recursive: true });
    const other = await cloneWithMirrors('two', { GEODATADIR: scene.sandbox.path('nowhere') });
    expect(await fetchIn(other)).toContain(`fetching from ${TOKYO} (`);
  });
});
