import { appendFileSync, chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cloneMember, foundPrimaries, type TestGroup, testGroup } from '../../helpers/group.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// Whose process starts git is told by proc(5).
const hasProc = existsSync('/proc/self/cmdline');

let sandbox: Sandbox;
let group: TestGroup;

beforeEach(async () => {
  sandbox = makeSandbox();
  group = testGroup(sandbox);
  // Whoever is killed with a lock of the group leaves it to the next, who waits for as long.
  appendFileSync(sandbox.path('home/.gitconfig'), '[replica]\n\tleaseTime = 4s\n');
  // Counts the gits that gam itself starts, and kills gam before the one that is named.
  const git = (await sandbox.run('sh', ['-c', 'command -v git'])).stdout.trim();
  writeFileSync(
    sandbox.path('bin/git'),
    `#!/bin/sh
if [ -n "\${KILL_AT-}" ] && grep -q 'bin/gam' "/proc/$PPID/cmdline"; then
  echo >>'${sandbox.path('count')}'
  [ "$(wc -l <'${sandbox.path('count')}')" -lt "$KILL_AT" ] || kill -KILL "$PPID"
fi
exec ${git} "$@"
`,
  );
  chmodSync(sandbox.path('bin/git'), 0o755);
});
afterEach(async () => {
  await sandbox.close();
});

const url = (id: string) => sandbox.path(`${id}.git`);
/** Kills a command before each few of its gits, until it comes through; calls for a look after each. */
async function killedEverywhere(
  id: string,
  args: readonly string[],
  /** Every step would take minutes. */
  stride: number,
  look: (killedAt: number) => Promise<void>,
): Promise<number> {
  let kills = 0;
  for (let at = 1; ; at += stride) {
    rmSync(sandbox.path('count'), { force: true });
    const ended = await group.replica(id, args, { expectStatus: null, env: { KILL_AT: String(at) } });
    if (ended.signal === null) {
      expect(ended.status, ended.stderr).toBe(0);
      return kills;
    }
    kills += 1;
    await look(at);
  }
}

describe.skipIf(!hasProc)('whoever is killed, wherever that is', () => {
  test('founds the group by doing it again, and has lost nothing', async () => {
    await initBare(sandbox, 'eu.git');
    await cloneMember(sandbox, url('eu'), 'work');
    await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
    const main = await group.ref('eu', 'refs/heads/main');
    const init = ['init', 'demo', '--id', 'eu', '--url', url('eu')];
    const kills = await killedEverywhere('eu', init, 17, async (at) => {
      const said = (await group.replica('eu', init, { expectStatus: null })).stderr;
      // Behind its last step it is a group.
      if (said !== '')
        expect([at, said]).toEqual([at, expect.stringContaining('is eu in the group demo already')]);
      await sandbox.git(['push', '--quiet', 'origin', 'HEAD:refs/heads/probe'], { cwd: 'work' });
      await sandbox.git(['push', '--quiet', 'origin', ':refs/heads/probe'], { cwd: 'work' });
      await group.idle(['eu']);
      expect(await group.ref('eu', 'refs/heads/main')).toBe(main);
      await group.replica('eu', ['leave']);
    });
    expect(kills).toBeGreaterThan(1);
    expect((await group.replica('eu', ['status'])).status).toBe(0);
  });

  describe('of two', () => {
    const join = () => ['join', url('eu'), '--id', 'us', '--url', url('us')];
    beforeEach(async () => {
      group = await foundPrimaries(sandbox, ['eu']);
      await cloneMember(sandbox, url('eu'), 'work');
      await sandbox.git(['push', '--quiet', 'origin', 'HEAD:main'], { cwd: 'work' });
      await initBare(sandbox, 'us.git');
    });

    test('joins by doing it again', async () => {
      const kills = await killedEverywhere('us', join(), 41, async (at) => {
        const said = (await group.replica('us', join(), { expectStatus: null })).stderr;
        if (!said.includes('up to date'))
          expect([at, said]).toEqual([at, expect.stringContaining('is us in the group demo already')]);
        await group.replica('us', ['reconcile']);
        expect(await group.ref('us', 'refs/heads/main')).toBe(await group.ref('eu', 'refs/heads/main'));
        await group.replica('us', ['leave']);
      });
      expect(kills).toBeGreaterThan(1);
    });

    test('leaves by doing it again', async () => {
      await group.replica('us', join());
      const kills = await killedEverywhere('us', ['leave'], 14, async () => {
        await group.replica('us', ['leave'], { expectStatus: null });
        expect(existsSync(sandbox.path('us.git/gam'))).toBe(false);
        expect(readFileSync(sandbox.path('us.git/config'), 'utf8')).not.toContain('replica');
        await group.replica('us', join());
      });
      expect(kills).toBeGreaterThan(1);
    });
  });
});
