import { readdirSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recallList } from '../../../src/state/mirror-lists.ts';
import { mayHaveList } from '../../../src/state/unlisted.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type ListServer, naming, offerList } from '../../helpers/list-server.ts';
import { type Scene, setScene } from '../../helpers/scene.ts';

// What gam mirrors refresh tells of a list that is published at canonical's refs/meta/mirrors.

let scene: Scene;
let list: ListServer;
let work: string;

beforeEach(async () => {
  scene = await setScene({ transport: 'http', config: { 'gam.acceptMirrorUrl': 'http://127.0.0.1:*/*' } });
  const { sandbox, server } = scene;
  list = offerList(server, sandbox.path('served'), sandbox.serverEnv);
  list.offers = false;
  work = await scene.copy('work');
  await sandbox.git(['config', '--unset-all', 'remote.origin.mirrorUrl'], { cwd: work });
  rmSync(sandbox.path('home/.local/state'), { recursive: true, force: true });
});
afterEach(async () => {
  await expectNoChildren(scene.sandbox);
  await scene.close();
});

async function publish(text: string): Promise<void> {
  const cwd = `served/${new URL(scene.canonical).pathname.slice(1)}`;
  const made = async (args: string[], input = '') =>
    (await scene.sandbox.git(args, { cwd, input })).stdout.trim();
  const blob = await made(['hash-object', '-w', '--stdin'], text);
  const tree = await made(['mktree'], `100644 blob ${blob}\tmirrors\n`);
  await made(['update-ref', 'refs/meta/mirrors', await made(['commit-tree', '-m', 'x', tree])]);
}

const gam = (args: string[], expectStatus = 0, cwd = work) =>
  scene.sandbox.run('gam', args, { cwd, expectStatus });
const kept = () => recallList(scene.canonical, scene.sandbox.env, 'published');
const good = () => `[mirror]\nversion = 1\nttl = 7200\n[mirror "a"]\nurl = ${scene.mirror}\nlocation = DE\n`;

test('it is read at once, shown, and used by the next fetch', async () => {
  await publish(good());
  const { stdout } = await gam(['mirrors', 'refresh']);
  expect(stdout).toBe(
    `origin (${scene.canonical}), published: 1 mirror listed, good for 2 h\n  ${scene.mirror} (DE)\n`,
  );
  expect(mayHaveList(scene.canonical, scene.sandbox.env)).toBe(true);
  expect(readdirSync(scene.sandbox.path('tmp'))).toEqual([]);
  const { stderr } = await scene.sandbox.git(['fetch'], { cwd: work });
  expect(stderr).toContain('gam: fetching from 127.0.0.1');
  await gam(['mirrors', 'refresh', '--forget', '-q']);
  expect(kept()).toBeNull();
  await gam(['mirrors', 'refresh', '-q', scene.canonical], 0, '.');
  expect(kept()?.mirrors).toHaveLength(1);
});

test('it stands behind the list of the server itself', async () => {
  await publish(good());
  list.offers = true;
  list.answer = naming('https://a.example.com/x', scene.mirror);
  const { stdout } = await gam(['mirrors', 'refresh']);
  expect(stdout.split('\n').filter((line) => line.includes('listed'))).toEqual([
    `origin (${scene.canonical}): 2 mirrors listed, good for 1 h`,
    `origin (${scene.canonical}), published: 1 mirror listed, good for 2 h`,
  ]);
  const listed = JSON.parse((await gam(['mirrors', 'list', '--json'])).stdout) as {
    url: string;
    source: string;
  }[];
  expect(listed.map(({ url, source }) => `${source} ${url}`).sort()).toEqual([
    `server ${scene.mirror}`,
    'server https://a.example.com/x',
  ]);
});

test('it is forgotten when it is gone', async () => {
  await publish(good());
  await gam(['mirrors', 'refresh', '-q']);
  const cwd = `served/${new URL(scene.canonical).pathname.slice(1)}`;
  await scene.sandbox.git(['update-ref', '-d', 'refs/meta/mirrors'], { cwd });
  expect((await gam(['mirrors', 'refresh'])).stdout).toBe(
    `origin (${scene.canonical}): no list of mirrors\n`,
  );
  expect(kept()).toBeNull();
  expect(mayHaveList(scene.canonical, scene.sandbox.env)).toBe(false);
});

test('what is no list is told in one line, with a status of 1', async () => {
  await publish('[mirror\n\u001b[31m');
  const { stdout, stderr } = await gam(['mirrors', 'refresh'], 1);
  expect(stdout).toBe('');
  expect(stderr).toBe(
    `gam: origin (${scene.canonical}), published: its mirror list is no configuration file\n`,
  );
  expect(readdirSync(scene.sandbox.path('tmp'))).toEqual([]);
});
