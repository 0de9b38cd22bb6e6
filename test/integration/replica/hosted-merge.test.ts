import { afterAll, beforeAll, expect, test } from 'vitest';
import { ReplicaGroup } from '../../helpers/replica-group.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: ReplicaGroup;

beforeAll(async () => {
  sandbox = makeSandbox();
  group = await ReplicaGroup.found(sandbox, { eu: 'primary' });
  await initBare(sandbox, 'forge.git');
  const host = ['replica', 'host', group.url('forge'), '--id', 'forge', '--on-conflict', 'merge'];
  await group.gam([...host, '--repo', group.url('eu')]);
  await group.resting();
});

afterAll(() => sandbox.close());

const at = async (id: string, ref: string) => (await group.refs(id)).get(ref) ?? null;

test('with --on-conflict merge, branches that both sides have brought forward are merged, and others are kept apart', async () => {
  const write = async (parent: string, name: string, text: string) => {
    const blob = await sandbox.git(['hash-object', '-w', '--stdin'], { cwd: 'work', input: text });
    const listed = await sandbox.git(['ls-tree', parent], { cwd: 'work' });
    const others = listed.stdout.split('\n').filter((line) => line !== '' && !line.endsWith(`\t${name}`));
    const input = `${[...others, `100644 blob ${blob.stdout.trim()}\t${name}`].join('\n')}\n`;
    const tree = (await sandbox.git(['mktree'], { cwd: 'work', input })).stdout.trim();
    return (
      await sandbox.git(['commit-tree', '-p', parent, '-m', name, tree], { cwd: 'work' })
    ).stdout.trim();
  };
  const base = await write(await group.commit(), 'base', 'base\n');
  await group.push([`${base}:refs/heads/both`, `${base}:refs/heads/fight`, `${base}:refs/heads/back`]);
  await group.follows('forge');
  await group.resting();

  const [ours, theirs] = [await write(base, 'a', 'ours\n'), await write(base, 'b', 'theirs\n')];
  const [mine, yours] = [await write(base, 'c', 'mine\n'), await write(base, 'c', 'yours\n')];
  await group.push([`${theirs}:refs/heads/both`, `${yours}:refs/heads/fight`], 'forge');
  await group.push([`+${await group.commit()}:refs/heads/back`], 'forge');
  await group.push([`${ours}:refs/heads/both`, `${mine}:refs/heads/fight`, `${ours}:refs/heads/back`]);
  await group.logged('eu', /forge: refs\/heads\/both has moved apart, and was merged/);
  await group.resting();
  await group.gam(['replica', 'run', '--once', '--repo', group.url('eu')], { expectStatus: null });
  const merged = await at('eu', 'refs/heads/both');
  expect(await at('forge', 'refs/heads/both')).toBe(merged);
  await sandbox.git(['fetch', '-q', group.url('eu'), 'refs/heads/both'], { cwd: 'work' });
  const told = await sandbox.git(['log', '-1', '--format=%P', merged ?? ''], { cwd: 'work' });
  expect(told.stdout.trim().split(' ')).toEqual([ours, theirs].sort());
  expect((await sandbox.run('gam', ['merge', theirs, ours], { cwd: 'work' })).stdout.trim()).toBe(merged);
  const files = await sandbox.git(['ls-tree', '--name-only', merged ?? ''], { cwd: 'work' });
  expect(files.stdout.trim().split('\n')).toEqual(['a', 'b', 'base']);
  expect([await at('eu', 'refs/heads/fight'), await at('forge', 'refs/heads/fight')]).toEqual([mine, yours]);
  const { members } = await group.status('eu');
  expect(members.find(({ id }) => id === 'forge')?.apart).toEqual(['refs/heads/back', 'refs/heads/fight']);
});
