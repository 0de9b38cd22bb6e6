import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { type GamServe, gamCache } from '../../helpers/gam-serve.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { makeLarge } from '../../helpers/large-repository.ts';
import { ask } from '../../helpers/raw-request.ts';
import { asFetched } from '../../helpers/refs.ts';
import { addCommits, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

// A cache on a disk that is really full: a file system of its own, in memory, which only root may mount.

const sandbox: Sandbox = makeSandbox();
const DISK = sandbox.path('disk');
const MIB = 2 ** 20;

async function mounts(): Promise<boolean> {
  if (process.platform !== 'linux' || userInfo().uid !== 0) return false;
  mkdirSync(DISK);
  const words = ['-t', 'tmpfs', '-o', 'size=48m', 'gam-test', DISK];
  return (await sandbox.run('mount', words, { expectStatus: null })).status === 0;
}

const isMounted = await mounts();

afterAll(async () => {
  if (isMounted) await sandbox.run('umount', ['-l', DISK]);
  await sandbox.close();
});

if (isMounted) describe('on a full disk', onFullDisk);
else test.skip('on a full disk: who runs the tests may not mount one', () => undefined);

function onFullDisk(): void {
  let canonical: HttpServer;
  let cache: GamServe;
  let top: string;

  const filler = `${DISK}/filler`;
  const room = () => {
    const { bavail, bsize } = statfsSync(DISK);
    return bavail * bsize;
  };
  /** Leaves so many bytes, and at least none. */
  const leave = (bytes: number) => {
    rmSync(filler, { force: true });
    const size = room() - bytes;
    try {
      for (let at = 0; at < size; at += MIB)
        writeFileSync(filler, Buffer.alloc(Math.min(MIB, size - at)), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  };
  const greeting = (name: string) =>
    ask({ url: cache.url, path: `${top}/${name}.git/info/refs?service=git-upload-pack` });
  const copies = () => {
    const folder = `${DISK}/cache/http/127.0.0.1+${canonical.port}`;
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  };
  const halves = () =>
    readdirSync(`${DISK}/cache/tmp`).flatMap((name) => readdirSync(`${DISK}/cache/tmp/${name}`));

  beforeAll(async () => {
    await generateHistory(sandbox, 'served/small.git', { commits: 40 });
    await makeLarge(sandbox, 'served/large.git', 8);
    canonical = await startHttpServer({ root: sandbox.path('served'), env: sandbox.serverEnv });
    top = `/127.0.0.1:${canonical.port}`;
    cache = await gamCache(sandbox, 'disk/cache', [`${canonical.url}/`], ['--ttl=1ms']);
    expect((await greeting('small')).status).toBe(200);
  });
  afterAll(async () => {
    expect(await cache.stop()).toMatchObject({ status: 0 });
    await canonical.close();
    await expectNoChildren(sandbox);
  });

  test('who asks for what has no room is told so, and nothing half is kept', async () => {
    leave(3 * MIB);
    const clones = [1, 2, 3].map((n) =>
      sandbox.git(['clone', `${cache.url}${top}/large.git`, `large-${n}`], { expectStatus: 128 }),
    );
    for (const { stderr } of await Promise.all(clones)) expect(stderr).toMatch(/error: 502|HTTP 502/);
    const { status, body } = await greeting('large');
    expect([status, body.toString()]).toEqual([502, expect.stringMatching(/^[^\n]+\n$/)]);
    await cache.logged(/^gam: .*\/large\.git cannot be fetched: .*No space left on device.*$/m);
    expect([copies(), halves()]).toEqual([['small.git'], []]);
    expect(room()).toBeGreaterThan(2 * MIB);
  });

  test('what is here is served on, also where not a byte can be written', async () => {
    leave(0);
    expect(room()).toBe(0);
    await sandbox.git(['clone', '-q', `${cache.url}${top}/small.git`, 'from-a-full-disk']);
    await expectSameRefs(sandbox, 'from-a-full-disk', 'served/small.git', asFetched);
    await expectClean(sandbox, 'from-a-full-disk');
  });

  test('a copy that cannot be refreshed is served as it was, and stays sound', async () => {
    leave(0);
    const before = (await sandbox.git(['rev-parse', 'main'], { cwd: 'served/small.git' })).stdout;
    await addCommits(sandbox, 'served/small.git', 200, { blobSize: 20_000 });
    const { stdout } = await sandbox.git(['ls-remote', `${cache.url}${top}/small.git`, 'main']);
    expect(stdout.split('\t')[0]).toBe(before.trim());
    await expectClean(sandbox, `disk/cache/http/127.0.0.1+${canonical.port}/small.git`);
  });

  test('when there is room again, all of it comes', async () => {
    rmSync(filler, { force: true });
    for (const name of ['small', 'large']) {
      await sandbox.git(['clone', '-q', `${cache.url}${top}/${name}.git`, `${name}-again`]);
      await expectSameRefs(sandbox, `${name}-again`, `served/${name}.git`, asFetched);
    }
    expect([copies(), halves()]).toEqual([['large.git', 'small.git'], []]);
  });
}
