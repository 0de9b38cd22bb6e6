import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cloneMember, foundPrimaries, type TestGroup } from '../../helpers/group.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: TestGroup;

beforeEach(async () => {
  sandbox = makeSandbox();
  // A repair waits for as long as a push may wait for its locks, where one has offered something.
  appendFileSync(sandbox.path('home/.gitconfig'), '[replica]\n\tlockTimeout = 8s\n');
  group = await foundPrimaries(sandbox, IDS);
});
afterEach(async () => {
  await sandbox.close();
});

/** Where everything was pushed to, and what was acknowledged, by ref. */
interface Pushed {
  name: string;
  acknowledged: Map<string, string>;
}

const IDS = ['eu', 'us', 'as'];

/** Pushes a commit twice: to a branch that grows, and to one for this push, as the state has refs that are swapped and refs that appear. */
async function pushTwice({ name, acknowledged }: Pushed, count: number): Promise<void> {
  await sandbox.git(['commit', '--quiet', '--allow-empty', '-m', `${name} ${count}`], { cwd: name });
  const head = (await sandbox.git(['rev-parse', 'HEAD'], { cwd: name })).stdout.trim();
  for (const ref of [`refs/heads/${name}/grows`, `refs/heads/${name}/${count}`]) {
    const push = ['push', '--quiet', 'origin', `HEAD:${ref}`];
    const { status } = await sandbox.git(push, { cwd: name, expectStatus: null });
    if (status === 0) acknowledged.set(ref, head);
  }
}

test('the arbiter moves there and back while all members are pushed to, and no push that was acknowledged is lost', async () => {
  const pushers: Pushed[] = [];
  for (const id of IDS) {
    await cloneMember(sandbox, sandbox.path(`${id}.git`), `from-${id}`);
    pushers.push({ name: `from-${id}`, acknowledged: new Map() });
  }
  const moves = [
    ['as', 'us'],
    ['eu', 'eu'],
  ] as const;
  for (const [count, [asked, to]] of moves.entries()) {
    const pushing = pushers.map((one) => pushTwice(one, count));
    await Promise.all([group.replica(asked, ['arbiter', to]), ...pushing]);
  }
  for (const id of IDS) await group.replica(id, ['reconcile']);
  for (const { acknowledged } of pushers) {
    expect(acknowledged.size).toBeGreaterThan(0);
    for (const id of IDS)
      for (const [ref, oid] of acknowledged)
        expect([id, ref, await group.ref(id, ref)]).toEqual([id, ref, oid]);
  }
  for (const id of IDS) expect((await group.replica(id, ['arbiter'])).stdout).toBe('eu\n');
});
