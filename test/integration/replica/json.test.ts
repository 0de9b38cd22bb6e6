import { expect, test } from 'vitest';
import { foundPrimaries } from '../../helpers/group.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

// What scripts read: one story, in which every command that tells or changes something does so as JSON.

test('what commands tell and change can be read by scripts', async () => {
  const sandbox = makeSandbox();
  try {
    const group = await foundPrimaries(sandbox, ['eu', 'us']);
    const read = async (id: string, ...args: string[]) =>
      JSON.parse((await group.replica(id, [...args, '--json'])).stdout) as unknown;

    expect(await read('eu', 'role', 'us')).toEqual({ id: 'us', role: 'primary' });
    expect(await read('eu', 'role', 'us', 'follower')).toEqual({ id: 'us', role: 'follower' });
    await group.idle(['eu', 'us']);
    expect(await read('eu', 'locks')).toEqual([]);
    expect(await read('us', 'reconcile')).toMatchObject({ moved: [] });

    const forge = await sandbox.git(['init', '--bare', 'forge.git']);
    expect(forge.status).toBe(0);
    expect(await read('eu', 'host', sandbox.path('forge.git'), '--id', 'hub')).toMatchObject({
      members: [{ id: 'eu' }, { id: 'us', role: 'follower' }, { id: 'hub', role: 'hosted' }],
    });
    expect(await read('eu', 'unhost', 'hub')).toEqual({ group: 'demo', id: 'hub' });

    const left = await read('us', 'leave');
    expect(left).toEqual({ group: 'demo', id: 'us', repository: sandbox.path('us.git') });
    expect(await read('eu', 'status')).toMatchObject({ members: [{ id: 'eu' }] });
  } finally {
    await sandbox.close();
  }
});

test('what gam replica run does is a line of JSON each', async () => {
  const sandbox = makeSandbox();
  try {
    const group = await foundPrimaries(sandbox, ['eu', 'us']);
    await sandbox.git(['clone', '--quiet', sandbox.path('eu.git'), 'clone']);
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', 'one'], { cwd: 'clone' });
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:refs/heads/main'], { cwd: 'clone' });
    await group.idle(['eu', 'us']);
    const update = ['update-ref', '-d', 'refs/heads/main'];
    await sandbox.git(update, { cwd: 'us.git', env: { GAM_REPLICA_MOVES: '1' } });
    const { stdout, stderr } = await group.replica('us', ['run', '--once', '--json']);
    const lines = stdout.split('\n').filter((line) => line !== '');
    const told = lines.map((line) => JSON.parse(line) as { time: string; words: string });
    expect(told.map(({ words }) => words).join('\n')).toContain('1 ref');
    for (const { time } of told) expect(new Date(time).toISOString()).toBe(time);
    expect(stderr).toBe('');
    expect(await group.ref('us', 'refs/heads/main')).toBe(await group.ref('eu', 'refs/heads/main'));
  } finally {
    await sandbox.close();
  }
});
