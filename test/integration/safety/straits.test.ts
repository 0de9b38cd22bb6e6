import { chmodSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { untilNothing } from '../../helpers/bystanders.ts';
import { fsckComplaints, leftovers } from '../../helpers/evidence.ts';
import { type HostileScene, type Outcome, setHostileScene } from '../../helpers/hostile-scene.ts';
import { refsOf } from '../../helpers/refs.ts';
import { addCommits, cloneBare } from '../../helpers/repository.ts';

// Group 14: several helpers at once, a full disk, a repository that cannot be written.

let scene: HostileScene;
let path: string;

beforeAll(async () => {
  scene = await setHostileScene();
  await scene.behind();
  path = await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/mirror.git');
});

afterAll(() => scene.close());

test('two helpers in one repository, from the same mirror and from two', async () => {
  const other = await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/other.git');
  const server = await scene.serve('mirrors');
  for (const mirrors of [
    [path, path],
    [path, `${server.url}/other.git`],
    [other, `${server.url}/mirror.git`],
  ]) {
    const repository = await scene.behind();
    await scene.sandbox.git(['config', 'remote.second.url', `mirror::${scene.canonical}`], {
      cwd: repository,
    });
    await scene.sandbox.git(['config', 'remote.second.fetch', '+refs/heads/*:refs/second/*'], {
      cwd: repository,
    });
    const both = await Promise.all([
      scene.fetch(repository, mirrors[0] ?? [], { args: ['--no-write-fetch-head', 'origin'] }),
      scene.fetch(repository, [], {
        args: ['--no-write-fetch-head', '--no-tags', 'second'],
        config: { 'remote.second.mirrorUrl': mirrors[1] ?? '' },
      }),
    ]);
    for (const outcome of both) await scene.expectAsPlain(outcome);
    const { stdout } = await scene.sandbox.git(['rev-parse', 'refs/second/main', 'origin/main'], {
      cwd: repository,
    });
    expect(new Set(stdout.trim().split('\n')).size).toBe(1);
  }
});

test('many helpers in one repository, all for the same refs', async () => {
  const repository = await scene.behind();
  const args = ['--no-write-fetch-head', '--no-tags', 'origin'];
  const outcomes = await Promise.all(
    Array.from({ length: 5 }, () => scene.fetch(repository, path, { args })),
  );
  // git itself may lose the race for a real ref's lock, with plain git as with gam; one of them wins.
  for (const { status, stderr } of outcomes)
    if (status !== 0) expect(stderr).toMatch(/cannot lock ref|unable to update local ref/);
  const won = outcomes.find(({ status }) => status === 0);
  await scene.expectAsPlain(won as Outcome);
});

/** The words that run a program under a limit on the size of any file it writes, in KiB: a disk that is full. */
function full(kib: number): string[] {
  // SIGXFSZ would kill; ignored, a write fails as on a full disk.
  return ['sh', '-c', `trap '' XFSZ; ulimit -f ${kib * 2}; exec "$@"`, 'sh'];
}

/** A mirror that has main beyond canonical's by a file of a mebibyte that does not compress. */
async function fatMirror(): Promise<string> {
  const { sandbox } = scene;
  const fat = await cloneBare(sandbox, 'served/canonical.git', 'fat.git');
  await sandbox.git(['update-ref', 'refs/heads/main', 'main~4'], { cwd: 'fat.git' });
  await addCommits(sandbox, 'fat.git', 1, { seed: 21 });
  const script = [
    'blob=$(head -c 1000000 /dev/urandom | git hash-object -w --stdin)',
    'tree=$(printf "100644 blob %s\\tfat\\n" "$blob" | git mktree)',
    'git update-ref refs/heads/main "$(git commit-tree -m fat -p main "$tree")"',
    // It can serve nothing but its own main, since canonical's is not there.
    'git reflog expire --expire=now --all && git gc -q --prune=now',
  ].join(' && ');
  await sandbox.run('sh', ['-ec', script], { cwd: 'fat.git' });
  return fat;
}

test('the disk is too full for what the mirror sends, and not for what canonical does', async () => {
  const fat = await fatMirror();
  for (const limit of ['1', '100000']) {
    const config = { 'fetch.unpackLimit': limit };
    const fetched = await scene.fetch(await scene.behind(), fat, { through: full(400), config });
    await scene.expectPassedOver(fetched, /: sent a pack that git refuses: /);
    const room = await scene.fetch(await scene.behind(), fat, { config });
    await scene.expectPassedOver(room);
  }
  await scene.expectPassedOver(
    await scene.clone(fat, { through: full(400) }),
    /: sent a pack that git refuses: /,
  );
});

test('the disk is too full for either: the end is plain git’s, and nothing is left', async () => {
  const { sandbox } = scene;
  const fat = await setHostileScene({ commits: 30, blobSize: 60_000 });
  scene.add(fat);
  const mirror = await cloneBare(fat.sandbox, 'served/canonical.git', 'mirror.git');
  const plain = await fat.clone([], { through: full(60) });
  const ours = await fat.clone(mirror, { through: full(60) });
  expect(plain.status).not.toBe(0);
  expect(ours.status).toBe(plain.status);
  expect(readdirSync(fat.sandbox.root).filter((name) => name === ours.repository)).toEqual([]);
  expect(await untilNothing(() => fat.sandbox.living())).toEqual([]);
  expect(sandbox.root).not.toBe(fat.sandbox.root);
});

/** The words that run a program as one whom file modes bind; root must give up its privilege for that. */
async function bound(): Promise<string[]> {
  if (process.getuid?.() !== 0) return [];
  const words = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];
  const [command = '', ...args] = words;
  const tried = await scene.sandbox.run(command, [...args, 'true'], { expectStatus: null }).catch(() => null);
  return tried?.status === 0 ? words : [];
}

async function isBinding(through: readonly string[], folder: string): Promise<boolean> {
  const words = [...through, 'touch', `${folder}/probe`];
  const { status } = await scene.sandbox.run('env', words, { expectStatus: null });
  return status !== 0;
}

test.each([
  ['repository', ['.git', '.git/objects', '.git/objects/pack', '.git/refs']],
  ['object directory', ['.git/objects', '.git/objects/pack']],
])('a read-only %s: the end is plain git’s', async (what, folders) => {
  const { sandbox } = scene;
  const through = await bound();
  const repository = await scene.behind();
  const modes = (mode: number) => {
    for (const folder of folders) chmodSync(sandbox.path(repository, folder), mode);
  };
  const before = await refsOf(sandbox, repository);
  modes(0o555);
  try {
    expect(await isBinding(through, sandbox.path(repository, '.git/objects'))).toBe(true);
    const plain = await scene.fetch(repository, [], { through });
    const ours = await scene.fetch(repository, path, { through });
    expect(plain.status).not.toBe(0);
    expect(ours.status).toBe(plain.status);
    // Where git itself fails before it asks for anything, no mirror is even tried.
    expect(ours.passedOver.length).toBe(what === 'repository' ? 0 : 1);
  } finally {
    modes(0o755);
  }
  expect(await untilNothing(() => sandbox.living())).toEqual([]);
  expect(await leftovers(sandbox, repository)).toEqual([]);
  expect(await fsckComplaints(sandbox, repository)).toEqual([]);
  expect(await refsOf(sandbox, repository)).toEqual(before);
  await scene.expectPassedOver(await scene.fetch(repository, path));
});

test('refs/mirror alone cannot be written: canonical serves', async () => {
  const { sandbox } = scene;
  const through = await bound();
  const repository = await scene.behind();
  const folder = sandbox.path(repository, '.git/refs/mirror');
  await sandbox.run('mkdir', [folder]);
  chmodSync(folder, 0o555);
  expect(await isBinding(through, folder)).toBe(true);
  const outcome = await scene.fetch(repository, path, { through });
  await scene.expectPassedOver(outcome, /: .+/);
});
