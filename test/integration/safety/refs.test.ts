import { afterAll, beforeAll, expect, test } from 'vitest';
import { FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { leftovers } from '../../helpers/evidence.ts';
import { type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';
import {
  packFrom,
  refLines,
  refsToTell,
  scripted,
  startHostileServer,
  type ToldRef,
} from '../../helpers/hostile-server.ts';
import { addCommits, addManyRefs, cloneBare, generateHistory } from '../../helpers/repository.ts';

// Groups 9 and 10: refs and tags that lie. Whatever a mirror calls its refs, canonical's are what counts.

let scene: HostileScene;
let refs: ToldRef[];
let whole: Buffer;

beforeAll(async () => {
  scene = await setHostileScene();
  await scene.behind();
  refs = await refsToTell(scene.sandbox, 'served/canonical.git');
  whole = await packFrom(scene.sandbox, 'served/canonical.git', [], ['--all']);
});

afterAll(() => scene.close());

const branch = 'refs/heads/main';

/** Both ways to come to objects, through one mirror; nothing but canonical's refs may be there after. */
async function expectHarmless(
  mirror: string,
  passedOver: { clone: RegExp[]; fetch: RegExp[] },
): Promise<void> {
  await scene.expectPassedOver(await scene.clone(mirror), ...passedOver.clone);
  await scene.expectPassedOver(await scene.fetch(await scene.behind(), mirror), ...passedOver.fetch);
}

test('main at a foreign commit', async () => {
  await generateHistory(scene.sandbox, 'foreign.git', { commits: 30, seed: 99, tags: 0, branches: 0 });
  // A clone has nothing to tell a foreign history by; it costs the time, and is gone afterwards.
  const foreign = /: shares no history with this repository$/;
  await expectHarmless(scene.sandbox.path('foreign.git'), { clone: [], fetch: [foreign] });
});

test('main at an object that is no commit, or that does not exist', async () => {
  const tree = await scene.sandbox.git(['rev-parse', 'main^{tree}'], { cwd: 'served/canonical.git' });
  for (const oid of [tree.stdout.trim(), '1'.repeat(40)]) {
    const told = refs.map((ref) => (ref.name === branch ? { ...ref, oid } : ref));
    const { url } = scene.add(
      await startHostileServer(
        scripted(told, whole, {
          // As a server that is behind does: what it has not told, it does not give.
          async fetch(request, out) {
            const wants = request.arguments.filter((a) => a.startsWith('want '));
            const known = wants.every((want) => told.some((ref) => want === `want ${ref.oid}`));
            if (known) await scripted(told, whole).fetch(request, out);
            else await out.send(linePacket('ERR upload-pack: not our ref'));
            if (!known) out.end();
          },
        }),
      ),
    );
    await scene.expectAsPlain(await scene.clone(url));
    await scene.expectAsPlain(await scene.fetch(await scene.behind(), url));
  }
});

test('more than a hundred thousand refs', async () => {
  await cloneBare(scene.sandbox, 'served/canonical.git', 'many.git');
  await addManyRefs(scene.sandbox, 'many.git', 120_000);
  const outcome = await scene.clone(scene.sandbox.path('many.git'));
  await scene.expectPassedOver(outcome);
  // A server that does not heed the prefixes tells them all.
  const extra = Array.from({ length: 120_000 }, (_, n) => ({
    name: `refs/heads/n${n}`,
    oid: '2'.repeat(40),
  }));
  const { url } = scene.add(await startHostileServer(scripted([...extra, ...refs], whole)));
  await expectHarmless(url, { clone: [], fetch: [] });
});

test('refs without end', async () => {
  const some = Buffer.concat(
    Array.from({ length: 1000 }, (_, n) => linePacket(`${'1'.repeat(40)} refs/heads/x${n}`).raw),
  );
  const server = scene.add(
    await startHostileServer(
      scripted([], whole, {
        async lsRefs(_request, out) {
          while (!out.closed) await out.send(some);
        },
      }),
    ),
  );
  await scene.expectPassedOver(await scene.clone(server.url), /: sent an endless answer$/);
  expect(server.bytesOut).toBeLessThan(60 * 1024 ** 2);
});

test('refs/mirror/... inside the mirror, and HEAD pointing there', async () => {
  const { sandbox } = scene;
  const path = await cloneBare(sandbox, 'served/canonical.git', 'inner.git');
  for (const name of ['refs/mirror/localhost/heads/main', 'refs/mirror/x/heads/evil', 'refs/mirror/heads'])
    await sandbox.git(['update-ref', name, 'main~3'], { cwd: 'inner.git' });
  await sandbox.git(['symbolic-ref', 'HEAD', 'refs/mirror/x/heads/evil'], { cwd: 'inner.git' });
  await expectHarmless(path, { clone: [], fetch: [] });
  // Told as the refs of a server that heeds no prefix, and under names that climb.
  const oid = refs.find(({ name }) => name === branch)?.oid ?? '';
  const names = ['refs/mirror/a/heads/main', 'refs/heads/../../config', '../../HEAD', 'refs/heads/main.lock'];
  const bad = ['refs/remotes/origin/main', 'refs/stash', 'FETCH_HEAD', 'main', '__proto__', 'constructor'];
  const told = [...names, ...bad].map((name) => ({ name, oid }));
  const { url } = scene.add(await startHostileServer(scripted([...told, ...refs], whole)));
  await expectHarmless(url, { clone: [], fetch: [] });
});

test('a and a/b: what an earlier run left stands where a ref is to go', async () => {
  const { sandbox } = scene;
  const repository = await scene.behind();
  const site = 'refs/mirror/localhost/heads';
  const unknown = await sandbox.git(['commit-tree', '-m', 'own', 'HEAD^{tree}'], { cwd: repository });
  for (const name of [`${site}/main/sub`, `${site}/topic-0`])
    await sandbox.git(['update-ref', name, unknown.stdout.trim()], { cwd: repository });
  const mirror = await cloneBare(sandbox, 'served/canonical.git', 'conflict.git');
  await scene.expectPassedOver(await scene.fetch(repository, mirror));
  // In the mirror itself, both told at once.
  const oid = refs[0]?.oid ?? '';
  const told = [{ name: `${branch}/sub`, oid }, ...refs, { name: 'refs/heads', oid }];
  const { url } = scene.add(await startHostileServer(scripted(told, whole)));
  await expectHarmless(url, { clone: [], fetch: [] });
});

test('the same name many times, lines that are none, and a peeled value that is none', async () => {
  const lines = [
    ...refs.map(({ name }) => `${'3'.repeat(40)} ${name}`),
    'garbage',
    '',
    '4'.repeat(40),
    `${'5'.repeat(39)} refs/heads/short`,
    `unborn refs/heads/none symref-target:refs/mirror/x`,
    `${refs[0]?.oid} refs/tags/v1 peeled:nothing`,
    ...refs.map(({ name, oid }) => `${oid} ${name}`),
  ];
  const { url } = scene.add(
    await startHostileServer(
      scripted(refs, whole, { lsRefs: (_r, out) => out.send(...lines.map(linePacket), FLUSH) }),
    ),
  );
  await expectHarmless(url, { clone: [], fetch: [] });
});

test("tags with canonical's names and other objects", async () => {
  const { sandbox } = scene;
  const path = await cloneBare(sandbox, 'served/canonical.git', 'tags.git');
  await sandbox.git(['tag', '-f', '-a', '-m', 'forged', 'v1', 'main~5'], { cwd: 'tags.git' });
  // One of them is forged: the others are used, and the forged one never is.
  await scene.expectPassedOver(await scene.clone(path));
  for (const tag of ['v2', 'v3'])
    await sandbox.git(['tag', '-f', '-a', '-m', 'forged', tag, 'main~5'], { cwd: 'tags.git' });
  await scene.expectPassedOver(await scene.clone(path), /: has other tags of canonical's names$/);
  // A tag that comes along with the history it is on is the mirror's, too; git fetch writes canonical's.
  await scene.expectPassedOver(await scene.fetch(await scene.behind(), path));
});

test('a branch and a tag that canonical does not have', async () => {
  const path = await cloneBare(scene.sandbox, 'served/canonical.git', 'more.git');
  await scene.sandbox.git(['branch', 'evil', 'main'], { cwd: 'more.git' });
  await addCommits(scene.sandbox, 'more.git', 5, { branch: 'evil', seed: 31, tags: 2 });
  await expectHarmless(path, { clone: [], fetch: [] });
});

test('staged refs are never pushed along, and no real ref is made by staging', async () => {
  const path = await cloneBare(scene.sandbox, 'served/canonical.git', 'true.git');
  const outcome = await scene.clone(path, { config: { 'gam.sweep': 'never' } });
  expect(outcome.status).toBe(0);
  const staged = await leftovers(scene.sandbox, outcome.repository, 0);
  const names = refs.map(({ name }) => name.replace('refs/', 'refs/mirror/localhost/'));
  expect(staged.filter((name) => name.startsWith('refs/mirror/')).sort()).toEqual(
    names.filter((name) => name.startsWith('refs/')).sort(),
  );
  expect(refLines(refs)).toHaveLength(refs.length + 1);
});
