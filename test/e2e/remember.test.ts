import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Measure } from '../../src/mirror/measure.ts';
import { recall } from '../../src/state/measures.ts';
import { type Line, openLine } from '../helpers/line.ts';
import { closedPort } from '../helpers/listening.ts';
import { addCommits, setOrigin } from '../helpers/repository.ts';
import { cloneArguments, expectFetched, type Scene, setScene } from '../helpers/scene.ts';

// What real transfers leave behind, and what the next fetch makes of it.

let scene: Scene;
let lines: Line[];
beforeEach(async () => {
  lines = [];
  scene = await setScene({ transport: 'http' });
});
afterEach(async () => {
  for (const line of lines) await line.close();
  await scene.close();
});

function known(url: string): Measure | null {
  const mirror = { url, source: 'config' as const, preferred: false, site: '', refusal: null };
  return recall(scene.sandbox.env)(mirror).own;
}

const stateFolder = () => scene.sandbox.path('home/.local/state/gam');

/** The same mirror behind a line of so many milliseconds each way: another URL. */
async function mirrorBehind(latency: number): Promise<string> {
  const line = await openLine({ to: scene.server.port, latency });
  lines.push(line);
  return `http://127.0.0.1:${line.port}/mirror.git`;
}

async function fetchFrom(clone: string, mirrors: readonly string[]): Promise<string> {
  const { sandbox } = scene;
  setOrigin(sandbox, clone, { mirrorUrl: mirrors });
  return (await sandbox.git(['fetch'], { cwd: clone })).stderr;
}

describe('a transfer is remembered', () => {
  test('that brought something: latency, share, bytes, and that canonical was worth asking', async () => {
    const clone = await scene.copy('clone');
    await scene.sandbox.git(['fetch', '-q'], { cwd: clone });
    const measure = known(scene.mirror);
    expect(measure).toMatchObject({ hits: 1, misses: 0, failures: 0, latency: { weight: 1 } });
    expect(measure?.latency.value).toBeGreaterThan(0);
    expect(measure?.share.value).toBeGreaterThan(0);
    expect(measure?.saved).toBeGreaterThan(1000);
    expect(known(scene.canonical)).toMatchObject({ hits: 1, misses: 0, latency: { weight: 1 } });
    await expectFetched(scene, clone);
  });

  test('that is large enough to tell the rate, by a clone as well', async () => {
    await scene.close();
    scene = await setScene({ transport: 'http', bulk: 300_000 });
    await scene.sandbox.git(cloneArguments(scene, 'clone'));
    const rate = known(scene.mirror)?.rate;
    expect(rate?.bytes).toBeGreaterThan(300_000);
    expect(rate?.ms).toBeGreaterThan(0);
  });

  test('with nothing new: only of canonical, whose mirror nobody asked', async () => {
    const clone = await scene.copy('clone');
    await scene.sandbox.git(['fetch', '-q'], { cwd: clone });
    await scene.sandbox.git(['fetch', '-q'], { cwd: clone });
    expect(known(scene.canonical)).toMatchObject({ hits: 1, misses: 1 });
    expect(known(scene.mirror)).toMatchObject({ hits: 1, misses: 0 });
  });

  test('of a mirror that has nothing new: a miss, and no failure', async () => {
    const clone = await scene.copy('clone');
    await scene.sandbox.git(['fetch', '-q'], { cwd: clone });
    await addCommits(scene.sandbox, 'served/canonical.git', 3, { seed: 11 });
    await scene.sandbox.git(['fetch', '-q'], { cwd: clone });
    expect(known(scene.mirror)).toMatchObject({ hits: 1, misses: 1, failures: 0 });
  });

  test('that failed, with its reason; what the configuration forbids is no failure', async () => {
    const clone = await scene.copy('clone');
    const gone = `${scene.server.url}/gone.git`;
    await fetchFrom(clone, ['https://me:pw@m.example/r', gone]);
    expect(known(gone)).toMatchObject({ hits: 0, failures: 1 });
    expect(known(gone)?.reason).toMatch(/not found/);
    expect(known('https://m.example/r')).toBeNull();
  });

  test('over a path as over any other line', async () => {
    await scene.close();
    scene = await setScene({ transport: 'file' });
    await scene.sandbox.git(['fetch', '-q'], { cwd: await scene.copy('clone') });
    for (const url of [scene.mirror, scene.canonical]) {
      expect(known(url)).toMatchObject({ hits: 1, failures: 0 });
      expect(known(url)?.latency.value).toBeGreaterThan(0);
    }
  });

  test('nowhere under GAM_DISABLE, nor without mirrors, and a folder that is none fails nothing', async () => {
    const clone = await scene.copy('clone');
    await scene.sandbox.git(['fetch', '-q'], { cwd: clone, env: { GAM_DISABLE: '1' } });
    expect(existsSync(stateFolder())).toBe(false);
    await scene.sandbox.git(['clone', '-q', `mirror::${scene.canonical}`, 'plain']);
    // That canonical has no list of mirrors is not of a mirror.
    expect(readdirSync(stateFolder())).toEqual(['unlisted']);
    const other = await scene.copy('other');
    writeFileSync(scene.sandbox.path('file'), '');
    const { stderr } = await scene.sandbox.git(['fetch', '-q'], {
      cwd: other,
      env: { XDG_STATE_HOME: scene.sandbox.path('file') },
    });
    expect(stderr).toBe('');
    await expectFetched(scene, other);
  });
});

describe('the next fetch', () => {
  test('goes to the nearer of two mirrors, whichever is configured first', async () => {
    // Nobody but the first one runs.
    await scene.sandbox.git(['config', '--global', 'gam.raceDelay', '100s']);
    const [far, near] = [await mirrorBehind(60), await mirrorBehind(0)];
    await fetchFrom(await scene.copy('one'), [far]);
    await fetchFrom(await scene.copy('two'), [near]);
    const third = await fetchFrom(await scene.copy('three'), [far, near]);
    expect(third).toContain(`fetching from ${new URL(near).host} (`);
    await rm(stateFolder(), { recursive: true });
    const fourth = await fetchFrom(await scene.copy('four'), [far, near]);
    expect(fourth).toContain(`fetching from ${new URL(far).host} (`);
  });

  test('does not wait again for a mirror that failed, as long as another serves', async () => {
    const dead = `http://127.0.0.1:${await closedPort()}/mirror.git`;
    const first = await fetchFrom(await scene.copy('one'), [dead, scene.mirror]);
    expect(first).toContain(`passing over ${new URL(dead).host}`);
    const second = await fetchFrom(await scene.copy('two'), [dead, scene.mirror]);
    expect(second).not.toContain('passing over');
    await scene.sandbox.git(['config', '--global', 'remote.origin.preferredMirror', dead]);
    const third = await fetchFrom(await scene.copy('three'), [dead, scene.mirror]);
    expect(third).toContain(`passing over ${new URL(dead).host}`);
  });

  test('goes on when what is remembered is damaged', async () => {
    const clone = await scene.copy('clone');
    await fetchFrom(clone, [scene.mirror]);
    writeFileSync(`${stateFolder()}/measures.json`, '{"measures":{"x":');
    await addCommits(scene.sandbox, 'served/canonical.git', 3, { seed: 11 });
    await fetchFrom(clone, [scene.mirror, `${scene.server.url}/gone.git`]);
    await expectFetched(scene, clone);
  });
});
