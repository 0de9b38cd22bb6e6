import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { closeSync, cpSync, openSync, readdirSync, symlinkSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, it } from 'vitest';
import { expectClean, expectNoChildren, fsckComplaints } from '../helpers/evidence.ts';
import { mountSmallDisk, type SmallDisk } from '../helpers/small-disk.ts';
import { type Machine, openWatchScene, until, type WatchScene } from '../helpers/watch-scene.ts';

// Two machines that watch, and a disk that is really full: once that of a machine, with its home, and once that of the remote.

const NO_SPACE = /No space left on device/i;

let scene: WatchScene;
let disk: SmallDisk | null;

beforeEach(async () => {
  scene = await openWatchScene();
  disk = await mountSmallDisk(scene.sandbox.path('small'), '6m');
});

afterEach(async () => {
  await disk?.close();
  await scene.close();
});

/** Writes into what a file has already, where a byte more would find no room. */
function overwrite(machine: Machine, name: string, content: string): void {
  const file = openSync(machine.path(name), 'r+');
  writeSync(file, content);
  closeSync(file);
}

/** What `gam watch status` prints, and that it ends as it does where somebody has to look. */
async function toldStatus(machine: Machine): Promise<string> {
  const { stdout } = await scene.sandbox.run('gam', ['watch', 'status'], {
    env: machine.env,
    expectStatus: 1,
  });
  return stdout.replace(/\s+/g, ' ');
}

/** The remote and both machines have the same commit, and these files. */
async function inStep(
  remote: string,
  machines: readonly Machine[],
  files: Record<string, string>,
): Promise<void> {
  await until('all in step', async () => {
    const tip = await scene.tip(remote);
    for (const machine of machines) {
      if ((await machine.git('rev-parse', 'HEAD')) !== tip) return false;
      if ((await machine.git('--no-optional-locks', 'status', '--porcelain')) !== '') return false;
      if (Object.entries(files).some(([name, content]) => machine.read(name) !== content)) return false;
    }
    return true;
  });
  for (const machine of machines) await machine.is(({ state, ahead }) => state === 'in-step' && !ahead);
}

/** Locks in the repository. */
const locks = (machine: Machine) =>
  readdirSync(machine.path('.git'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.includes('.lock'),
  );

describe('two machines that watch', () => {
  it('tell of a full disk, keep what they have, and come in step when there is room', async ({ skip }) => {
    if (disk === null) return skip('who runs the tests may not mount one');
    const here = await scene.machine('small/here');
    const there = await scene.machine('there');
    const running = [await here.watch(), await there.watch()];
    for (const machine of [here, there]) await machine.is(({ state }) => state === 'in-step');
    const tip = await here.git('rev-parse', 'HEAD');

    disk.leave(0);
    assert.equal(disk.room(), 0);
    there.write('meanwhile', 'there\n');
    await there.is(({ state, ahead, head }) => state === 'in-step' && !ahead && head !== tip);
    assert.notEqual(await scene.tip('served/remote.git'), tip);
    await here.is(({ state, why }) => state === 'problem' && NO_SPACE.test(why ?? ''));
    overwrite(here, 'shared', '1\n2\n4\n');
    await here.is(({ state, why }) => state === 'problem' && /update-index.*No space/.test(why ?? ''));
    assert.match(await toldStatus(here), /problem .*No space left on device/);
    assert.equal(await here.git('rev-parse', 'HEAD'), tip);
    assert.deepEqual(await fsckComplaints(scene.sandbox, here.clone), []);
    assert.deepEqual(locks(here), []);

    disk.free();
    await inStep('served/remote.git', [here, there], { shared: '1\n2\n4\n', meanwhile: 'there\n' });
    for (const one of running) one.kill('SIGTERM');
    for (const one of running) assert.equal((await one.ended).status, 0);
    for (const one of [here, there]) await expectClean(scene.sandbox, one.clone);
    for (const one of [here, there]) assert.deepEqual(locks(one), []);
    await expectNoChildren(scene.sandbox);
  });

  it('tell of a full disk at the remote, go on to commit, and come in step when there is room', async ({
    skip,
  }) => {
    if (disk === null) return skip('who runs the tests may not mount one');
    const remote = 'served/disk/remote.git';
    symlinkSync(disk.dir, scene.sandbox.path('served/disk'));
    cpSync(scene.sandbox.path('served/remote.git'), scene.sandbox.path(remote), { recursive: true });
    const url = `${scene.server.url}/disk`;
    const [here, there] = [await scene.machine('here', [], url), await scene.machine('there', [], url)];
    const running = [await here.watch(), await there.watch()];
    for (const machine of [here, there]) await machine.is(({ state }) => state === 'in-step');
    const tip = await scene.tip(remote);

    disk.leave(0);
    const [first, second] = [randomBytes(50_000).toString('hex'), randomBytes(50_000).toString('hex')];
    here.write('from-here', first);
    there.write('from-there', second);
    for (const machine of [here, there]) {
      await machine.is(({ state, why, ahead }) => state === 'problem' && ahead && NO_SPACE.test(why ?? ''));
      assert.match(await toldStatus(machine), /problem .*No space left on device/);
    }
    const committed = here.status()?.lastCommit;
    here.write('more', 'here\n');
    await here.is(({ lastCommit }) => lastCommit !== committed);
    assert.equal(await scene.tip(remote), tip);
    await expectClean(scene.sandbox, remote);

    disk.free();
    await inStep(remote, [here, there], { 'from-here': first, 'from-there': second, more: 'here\n' });
    for (const one of running) one.kill('SIGTERM');
    for (const one of running) assert.equal((await one.ended).status, 0);
    for (const one of [here.clone, there.clone, remote]) await expectClean(scene.sandbox, one);
    await expectNoChildren(scene.sandbox);
  });
});
