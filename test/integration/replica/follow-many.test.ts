import { renameSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReplicaGroup } from '../../helpers/replica-group.ts';
import { addManyRefs, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: ReplicaGroup;

beforeAll(async () => {
  sandbox = makeSandbox();
  group = await ReplicaGroup.found(sandbox, { eu: 'primary', us: 'primary', co: 'follower' });
});

afterAll(() => sandbox.close());

test('while the coordinator cannot be reached a follower waits, and it is said what for', async () => {
  await group.push([`${await group.commit()}:refs/heads/main`]);
  await group.follows('co');
  await group.resting();
  renameSync(group.url('eu'), sandbox.path('away'));
  const args = ['replica', 'run', '--once', '--repo', group.url('us')];
  const failed = await group.gam(args, { expectStatus: 1 });
  expect(failed.stderr).toMatch(/sending to co: the coordinator cannot be asked, and nothing is sent before/);
  expect((await group.status('us')).members.find(({ id }) => id === 'co')?.lastFailure?.reason).toMatch(
    /the coordinator cannot be asked.*eu\.git cannot be reached/,
  );
  renameSync(sandbox.path('away'), group.url('eu'));
  await group.gam(args);
  expect((await group.status('us')).members.map(({ lastFailure }) => lastFailure)).toEqual([
    null,
    null,
    null,
  ]);
});

test('a mirror push of 10,000 refs is followed, and so is one that deletes as many', async () => {
  await generateHistory(sandbox, 'many.git', { commits: 20 });
  await addManyRefs(sandbox, 'many.git', 10_000);
  const push = { cwd: 'many.git', timeout: 200_000 };
  await sandbox.git(['push', '--quiet', '--mirror', group.url('eu')], push);
  await group.follows('co');
  expect((await group.refs('co')).size).toBeGreaterThan(10_000);
  await generateHistory(sandbox, 'few.git', { commits: 20 });
  await sandbox.git(['push', '--quiet', '--mirror', group.url('eu')], { ...push, cwd: 'few.git' });
  expect((await group.refs('eu')).size).toBeLessThan(100);
  await group.follows('co');
  await group.follows('us');
});
