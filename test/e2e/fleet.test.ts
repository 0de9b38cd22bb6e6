import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import type { Ended } from '../helpers/child.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { copyRepository } from '../helpers/scene.ts';

// Eight at once on one machine, as a build server has them: with one state folder, and in one repository.

const FLEET = 8;

let bed: Bed;
let mirrors: string[];

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  // A machine that is busy is no reason to leave a mirror.
  for (const key of ['gam.connectTimeout', 'gam.lowSpeedTime'])
    await sandbox.git(['config', '--global', key, '100s']);
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'canonical', { commits: 200 });
  await sandbox.git(['clone', '-q', 'canonical', 'behind']);
  await addCommits(sandbox, 'canonical', 60, { seed: 5, tags: 2 });
  mirrors = ['one', 'two'].map((name) => bed.mirror(name));
  for (const name of ['one', 'two']) await cloneBare(sandbox, 'canonical', `mirrors/${name}`);
});

afterAll(() => bed.close());

/** Runs so many commands at once, and returns what each said; `env` gives each its own environment. */
async function fleet(
  words: (number: number) => readonly string[],
  env: (number: number) => Record<string, string> = () => ({}),
): Promise<Ended[]> {
  const running = Array.from({ length: FLEET }, (_, number) =>
    bed.sandbox.start('git', words(number), { env: env(number) }),
  );
  const ended = await Promise.all(running.map((one) => one.ended));
  await expectNoChildren(bed.sandbox);
  return ended;
}

test('clones: each is whole, and what they have seen of the mirrors adds up', async () => {
  const { sandbox } = bed;
  const settings = mirrors.flatMap((url) => ['-c', `remote.origin.mirrorUrl=${url}`]);
  const url = `mirror::${sandbox.path('canonical')}`;
  const trace = (number: number) => sandbox.path(`trace-${number}.log`);
  bed.packs.forget();
  const ended = await fleet(
    (number) => ['clone', ...settings, url, `clone-${number}`],
    (number) => ({ GAM_TRACE: trace(number) }),
  );
  for (const [number, { status, stderr }] of ended.entries()) {
    expect([status, stderr]).toEqual([0, expect.stringMatching(/% saved\)$/m)]);
    await expectClean(sandbox, `clone-${number}`);
    await expectSameRefs(sandbox, `clone-${number}`, 'canonical', asFetched);
  }
  const traces = ended.map((_, number) => readFileSync(trace(number), 'utf8'));
  // Who found the file locked for a tenth of a second has let it go, and says so.
  const kept = traces.filter((text) => / remembered .* kept=true$/m.test(text)).length;
  expect(kept).toBeGreaterThan(0);
  const folder = sandbox.path('home/.local/state/gam');
  expect(readdirSync(folder)).toEqual(['measures.json']);
  const { measures } = JSON.parse(readFileSync(`${folder}/measures.json`, 'utf8')) as { measures: object };
  const places = Object.keys(measures).map((key) => key.split(' ')[1] ?? '');
  const known = new Set([...mirrors, bed.mirrors.url, sandbox.path('canonical')]);
  expect(places.filter((place) => !known.has(place))).toEqual([]);
  expect(new Set(places).size).toBe(places.length);

  const { stdout } = await sandbox.run('gam', ['mirrors', 'list', '--json'], { cwd: 'clone-0' });
  const listed = JSON.parse(stdout) as {
    state: string;
    hits: number | null;
    misses: number | null;
    failures: number | null;
    bytesSaved: number | null;
  }[];
  const sum = (figure: 'hits' | 'misses' | 'failures' | 'bytesSaved') =>
    listed.reduce((all, one) => all + (one[figure] ?? 0), 0);
  expect(listed.map(({ state }) => state)).toEqual(['ready', 'ready']);
  expect([sum('hits'), sum('misses'), sum('failures')]).toEqual([kept, 0, 0]);
  const share = sum('bytesSaved') / ((kept / FLEET) * bed.packs.sentFrom('mirrors'));
  expect(share).toBeGreaterThan(0.9);
  expect(share).toBeLessThan(1.1);
});

test("fetches in one repository's work trees: they fail as plain git's do, and leave the same", async () => {
  const { sandbox } = bed;
  for (const name of ['plain', 'gam']) {
    await copyRepository(sandbox, 'behind', name);
    for (let number = 0; number < FLEET; number += 1)
      await sandbox.git(['worktree', 'add', '-q', '--detach', `../${name}-${number}`], { cwd: name });
    const set = (key: string, value: string) => sandbox.git(['config', '--add', key, value], { cwd: name });
    for (const url of mirrors) await set('remote.origin.mirrorUrl', url);
    if (name === 'gam') await set('remote.origin.vcs', 'mirror');
    const ended = await fleet((number) => ['-C', `${name}-${number}`, 'fetch']);
    // Who comes second finds that a ref is no longer what it was, or locked.
    const lines = ended.flatMap(({ stderr }) => stderr.split('\n'));
    const errors = lines.filter((line) => /^(?:error|fatal)/.test(line));
    expect(errors.filter((line) => !line.startsWith('error: cannot lock ref '))).toEqual([]);
    expect(ended.filter(({ status }) => status !== 0).length, name).toBeLessThanOrEqual(errors.length);
    await sandbox.git(['fetch', '-q'], { cwd: name });
    await expectNoChildren(sandbox);
    await expectClean(sandbox, name);
    await expectSameRefs(sandbox, name, 'canonical', asFetched);
  }
});
