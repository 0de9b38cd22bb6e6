import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';
import { packFrom, refsToTell, scripted, startHostileServer } from '../../helpers/hostile-server.ts';
import { addCommits, cloneBare, generateHistory } from '../../helpers/repository.ts';

// Group 13: mirrors that went another way than canonical, and a canonical that went back.

let scene: HostileScene;

beforeAll(async () => {
  scene = await setHostileScene();
  await scene.behind();
});

afterAll(() => scene.close());

async function copy(name: string): Promise<string> {
  return cloneBare(scene.sandbox, 'served/canonical.git', name);
}

test('a mirror ahead of canonical serves, and its own commits are on no ref', async () => {
  const path = await copy('ahead.git');
  await addCommits(scene.sandbox, 'ahead.git', 10, { seed: 11, tags: 1 });
  const cloned = await scene.clone(path);
  await scene.expectPassedOver(cloned);
  expect(cloned.said.at(-1)).toMatch(/saved/);
  await scene.expectPassedOver(await scene.fetch(await scene.behind(), path));
});

test('a mirror with rewritten history', async () => {
  const { sandbox } = scene;
  const path = await copy('rewritten.git');
  await sandbox.git(['update-ref', 'refs/heads/main', 'main~8'], { cwd: 'rewritten.git' });
  await addCommits(sandbox, 'rewritten.git', 12, { seed: 12 });
  await sandbox.git(['reflog', 'expire', '--expire=now', '--all'], { cwd: 'rewritten.git' });
  await sandbox.git(['gc', '-q', '--prune=now'], { cwd: 'rewritten.git' });
  await scene.expectPassedOver(await scene.clone(path));
  await scene.expectPassedOver(await scene.fetch(await scene.behind(), path));
});

test('canonical rolled back: the newer commits of the mirror do not come back', async () => {
  const { sandbox } = scene;
  const path = await copy('former.git');
  const before = await sandbox.git(['rev-parse', 'main'], { cwd: 'served/canonical.git' });
  const upToDate = await scene.clone([]);
  await sandbox.git(['update-ref', 'refs/heads/main', 'main~4'], { cwd: 'served/canonical.git' });
  const cloned = await scene.clone(path);
  await scene.expectPassedOver(cloned);
  const tip = await sandbox.git(['rev-parse', 'HEAD'], { cwd: cloned.repository });
  expect(tip.stdout).not.toBe(before.stdout);
  await scene.expectPassedOver(await scene.fetch(upToDate.repository, path));
  await scene.expectPassedOver(await scene.fetch(await scene.behind(), path));
  await sandbox.git(['update-ref', 'refs/heads/main', before.stdout.trim()], { cwd: 'served/canonical.git' });
});

test('canonical rewritten: the mirror still has what was', async () => {
  const { sandbox } = scene;
  const path = await copy('stale.git');
  const before = await sandbox.git(['rev-parse', 'main'], { cwd: 'served/canonical.git' });
  await sandbox.git(['update-ref', 'refs/heads/main', 'main~6'], { cwd: 'served/canonical.git' });
  await addCommits(sandbox, 'served/canonical.git', 3, { seed: 13 });
  await scene.expectPassedOver(await scene.clone(path));
  await scene.expectAsPlain(await scene.fetch(await scene.behind(), path));
  await sandbox.git(['update-ref', 'refs/heads/main', before.stdout.trim()], { cwd: 'served/canonical.git' });
});

test('a mirror on another object format, and one that only says so', async () => {
  await generateHistory(scene.sandbox, 'sha256.git', { commits: 10, objectFormat: 'sha256' });
  const other = /: has sha256 objects$/;
  const path = scene.sandbox.path('sha256.git');
  await scene.expectPassedOver(await scene.clone(path), other);
  await scene.expectPassedOver(await scene.fetch(await scene.behind(), path), other);
  // Its refs and its pack are of the other hash, its greeting is not.
  const pack = await packFrom(scene.sandbox, 'sha256.git', [], ['--all']);
  const told = await refsToTell(scene.sandbox, 'sha256.git');
  const lying = scene.add(await startHostileServer(scripted(told, pack)));
  const outcome = await scene.clone(lying.url);
  await scene.expectPassedOver(outcome, /: .+/);
  // And with canonical's refs.
  const refs = await refsToTell(scene.sandbox, 'served/canonical.git');
  const mixed = scene.add(await startHostileServer(scripted(refs, pack)));
  await scene.expectPassedOver(await scene.clone(mixed.url), /: sent a pack that git refuses: /);
});

test('a sha256 canonical with a sha1 mirror', async () => {
  const path = await copy('sha1.git');
  const other = scene.add(await setHostileScene({ objectFormat: 'sha256' }));
  const outcome = await other.clone(path);
  await other.expectPassedOver(outcome, /: has sha1 objects$/);
});

test('an empty mirror, an empty canonical, and a shallow mirror', async () => {
  const { sandbox } = scene;
  await sandbox.git(['init', '-q', '--bare', 'empty.git']);
  await scene.expectPassedOver(
    await scene.clone(sandbox.path('empty.git')),
    /: has none of the wanted refs$/,
  );
  const cloned = await scene.clone(scene.canonical, { canonical: sandbox.path('empty.git') });
  expect(cloned.status).toBe(0);
  await sandbox.git(['clone', '-q', '--mirror', '--depth=3', `file://${scene.canonical}`, 'shallow.git']);
  await scene.expectPassedOver(await scene.clone(sandbox.path('shallow.git')), /: is a shallow clone$/);
});
