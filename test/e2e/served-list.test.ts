import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { makeCertificate } from '../helpers/certificate.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { fakeSsh } from '../helpers/fake-ssh.ts';
import { type GamServe, gamServe } from '../helpers/gam-serve.ts';
import { type Line, openLine } from '../helpers/line.ts';
import { logPacks, type PackLog } from '../helpers/pack-log.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../helpers/sandbox.ts';

// gam on both sides: the server names its mirrors, and a client that knows nothing of any uses the nearer one.

let sandbox: Sandbox;
let packs: PackLog;
let canonical: GamServe;
let mirrors: GamServe;
let far: Line;
let near: Line;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  sandbox = makeSandbox();
  packs = await logPacks(sandbox);
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'served/project', { commits: 200, tags: 4, blobSize: 2000 });
  await cloneBare(sandbox, 'served/project', 'mirrors/project');
  const { path: cert } = await makeCertificate(sandbox);
  const tls = ['--tls-key', sandbox.path('tls.key'), '--tls-cert', cert];
  // All that this client has been told is whose certificates are good.
  env = { GIT_SSL_CAINFO: cert };
  mirrors = await gamServe(sandbox, 'mirrors', tls, { env: sandbox.serverEnv });
  canonical = await gamServe(sandbox, 'served', tls, { env: sandbox.serverEnv });
  far = await openLine({ to: mirrors.port, latency: 400 });
  near = await openLine({ to: mirrors.port, latency: 2 });
  const list = {
    enabled: 'true',
    canonical: `${canonical.url}/project`,
    'far.url': `https://127.0.0.1:${far.port}/project`,
    'near.url': `https://127.0.0.1:${near.port}/project`,
  };
  for (const [key, value] of Object.entries(list))
    await sandbox.git(['config', `mirrorList.${key}`, value], { cwd: 'served/project' });
});

afterAll(async () => {
  await near.close();
  await far.close();
  await canonical.stop();
  await mirrors.stop();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

beforeEach(() => packs.forget());

test('a clone with nothing configured takes the nearer of two mirrors from the list of its server', async () => {
  const { stderr } = await sandbox.git(['clone', `mirror::${canonical.url}/project`, 'first'], { env });
  expect(stderr).toMatch(
    new RegExp(`^gam: .* from 127\\.0\\.0\\.1:${near.port}, .* from canonical \\(9\\d % saved\\)$`, 'm'),
  );
  expect(packs.sentFrom('served')).toBe(0);
  await expectClean(sandbox, 'first');
  await expectSameRefs(sandbox, 'first', 'served/project', asFetched);
  const { stdout } = await sandbox.run('gam', ['mirrors', 'list', '--json'], { cwd: 'first', env });
  const listed = JSON.parse(stdout) as { url: string; source: string }[];
  expect(listed.map(({ url, source }) => [url, source])).toEqual([
    [`https://127.0.0.1:${near.port}/project`, 'server'],
    [`https://127.0.0.1:${far.port}/project`, 'server'],
  ]);
});

test('the next fetch asks for no list, and gets from there what the mirror has', async () => {
  await addCommits(sandbox, 'served/project', 30, { seed: 7 });
  await sandbox.git(['fetch', '-q', sandbox.path('served/project'), '+refs/*:refs/*'], {
    cwd: 'mirrors/project',
  });
  packs.forget();
  const { stderr } = await sandbox.git(['fetch'], { cwd: 'first', env });
  expect(stderr).toContain(` from 127.0.0.1:${near.port}, `);
  expect(packs.sentFrom('served')).toBe(0);
  await expectSameRefs(sandbox, 'first', 'served/project', asFetched);
});

test('over ssh, gam upload-pack tells the list', async () => {
  const ssh = fakeSsh(sandbox);
  const { stderr } = await sandbox.git(
    ['clone', '-u', 'gam upload-pack', `mirror::ssh://localhost${sandbox.path('served/project')}`, 'by-ssh'],
    { env: { ...env, ...ssh.env } },
  );
  expect(stderr).toMatch(/from canonical \(9\d % saved\)$/m);
  expect(packs.sentFrom('served')).toBe(0);
  await expectSameRefs(sandbox, 'by-ssh', 'served/project', asFetched);
});

test('a server elsewhere leads nobody to places inside this network', async () => {
  const ssh = fakeSsh(sandbox);
  const outside = `mirror::ssh://far.example${sandbox.path('served/project')}`;
  const words = ['clone', '-u', 'gam upload-pack', outside, 'from-outside'];
  const connections = near.connections + far.connections;
  await sandbox.git(words, { env: { ...env, ...ssh.env } });
  expect(near.connections + far.connections).toBe(connections);
  await expectSameRefs(sandbox, 'from-outside', 'served/project', asFetched);
});

test('stock git notices nothing', async () => {
  await sandbox.git(['clone', '-q', `${canonical.url}/project`, 'plain'], { env });
  await expectSameRefs(sandbox, 'plain', 'served/project', asFetched);
});
