import { afterEach, beforeEach, expect, test } from 'vitest';
import { cloneMember, foundPrimaries, type TestGroup } from '../../helpers/group.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: TestGroup;

beforeEach(async () => {
  sandbox = makeSandbox();
  group = await foundPrimaries(sandbox, ['eu', 'us', 'as']);
});
afterEach(async () => {
  await sandbox.close();
});

/** Pushes commits to branches of its own until it is told to stop; returns what was acknowledged, by ref. */
async function pusher(name: string, member: string, going: AbortSignal): Promise<Map<string, string>> {
  await cloneMember(sandbox, sandbox.path(`${member}.git`), name);
  const acknowledged = new Map<string, string>();
  for (let count = 1; !going.aborted; count += 1) {
    // One branch that grows, and one for each push: the state has both refs that are swapped and refs that appear.
    await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', `${name} ${count}`], { cwd: name });
    const head = (await sandbox.git(['rev-parse', 'HEAD'], { cwd: name })).stdout.trim();
    for (const ref of [`refs/heads/${name}/grows`, `refs/heads/${name}/${count}`]) {
      const { status } = await sandbox.git(['push', '--quiet', 'origin', `HEAD:${ref}`], {
        cwd: name,
        expectStatus: null,
      });
      if (status === 0) acknowledged.set(ref, head);
    }
  }
  return acknowledged;
}

test('the arbiter moves there and back while all members are pushed to, and no push that was acknowledged is lost', async () => {
  const stop = new AbortController();
  const pushers = ['eu', 'us', 'as'].map((id) => pusher(`from-${id}`, id, stop.signal));
  const moved = async () => {
    await group.replica('as', ['arbiter', 'us']);
    await group.replica('eu', ['arbiter', 'eu']);
    await group.replica('us', ['arbiter', 'as']);
  };
  await moved().finally(() => stop.abort());
  const acknowledged = await Promise.all(pushers);
  await group.idle(['eu', 'us', 'as']);
  for (const id of ['eu', 'us', 'as']) await group.replica(id, ['reconcile']);
  for (const pushed of acknowledged) {
    expect(pushed.size).toBeGreaterThan(2);
    for (const [ref, oid] of pushed)
      for (const id of ['eu', 'us', 'as'])
        expect([id, ref, await group.ref(id, ref)]).toEqual([id, ref, oid]);
  }
  for (const id of ['eu', 'us', 'as']) expect((await group.replica(id, ['arbiter'])).stdout).toBe('as\n');
});
