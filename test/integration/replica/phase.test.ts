import { renameSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gamServe } from '../../helpers/gam-serve.ts';
import { foundPrimaries, type TestGroup } from '../../helpers/group.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: TestGroup;

beforeEach(async () => {
  sandbox = makeSandbox();
  group = await foundPrimaries(sandbox, ['eu']);
});
afterEach(async () => {
  await sandbox.close();
});

test('takes no step while a condition does not hold, says which, and changes nothing', async () => {
  const alone = await group.replica('eu', ['phase', 'next'], { expectStatus: 2 });
  expect(alone.stderr).toContain('on the new server: gam replica join');
  await initBare(sandbox, 'us.git');
  const join = ['join', sandbox.path('eu.git'), '--id', 'us', '--url', sandbox.path('us.git')];
  await group.replica('us', [...join, '--role', 'follower']);
  await group.idle(['eu', 'us']);
  const unready = async (reason: string) => {
    const { stderr } = await group.replica('eu', ['phase', 'next'], { expectStatus: 1 });
    expect(stderr).toContain('nothing has changed');
    expect(stderr).toContain(reason);
    expect((await group.replica('eu', ['role', 'us'])).stdout).toBe('follower\n');
  };
  renameSync(sandbox.path('us.git'), sandbox.path('away.git'));
  await unready('converged');
  renameSync(sandbox.path('away.git'), sandbox.path('us.git'));
  rmSync(sandbox.path('eu.git/hooks/reference-transaction'));
  await unready('hook reference-transaction is missing');
  await group.replica('eu', ['reconcile']);
  await group.replica('eu', ['phase', 'next']);
  expect((await group.replica('eu', ['role', 'us'])).stdout).toBe('primary\n');
  const back = await group.replica('us', ['phase', 'back', '--json']);
  expect(JSON.parse(back.stdout)).toMatchObject({ step: 'new-follows', phase: 2, from: 'eu', to: 'us' });
  const unknown = await group.replica('eu', ['phase', 'next', '--from', 'xx'], { expectStatus: 2 });
  expect(unknown.stderr).toContain("'xx' is no member of demo");
});

test('tells who has fetched from a member through gam serve', async () => {
  const server = await gamServe(sandbox, '.');
  expect((await group.replica('eu', ['readers'])).stdout).toContain('nobody');
  for (const name of ['one', 'two']) await sandbox.git(['clone', '--quiet', `${server.url}/eu.git`, name]);
  await server.stop();
  const { stdout } = await group.replica('eu', ['readers', '--json']);
  expect(JSON.parse(stdout)).toMatchObject([{ client: '127.0.0.1', user: null, count: 2 }]);
});
