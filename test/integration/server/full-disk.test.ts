import { existsSync, readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectClean, expectNoChildren, expectSameRefs } from '../../helpers/evidence.ts';
import { type GamServe, gamCache } from '../../helpers/gam-serve.ts';
import { type HttpServer, startHttpServer } from '../../helpers/http-server.ts';
import { makeLarge } from '../../helpers/large-repository.ts';
import { ask } from '../../helpers/raw-request.ts';
import { asFetched } from '../../helpers/refs.ts';
import { addCommits, generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';
import { mountSmallDisk, type SmallDisk } from '../../helpers/small-disk.ts';

// A cache on a disk that is really full: a file system of its own, in memory, which only root may mount.

const sandbox: Sandbox = makeSandbox();
const DISK = sandbox.path('disk');
const MIB = 2 ** 20;

const disk = await mountSmallDisk(DISK, '48m');

afterAll(async () => {
  await disk?.close();
  await sandbox.close();
});

if (disk !== null) describe('on a full disk', () => onFullDisk(disk));
else test.skip('on a full disk: who runs the tests may not mount one', () => undefined);

function onFullDisk(small: SmallDisk): void {
  let canonical: HttpServer;
  let cache: GamServe;
  let top: string;

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
    small.leave(3 * MIB);
    const clones = [1, 2, 3].map((n) =>
      sandbox.git(['clone', `${cache.url}${top}/large.git`, `large-${n}`], { expectStatus: 128 }),
    );
    for (const { stderr } of await Promise.all(clones)) expect(stderr).toMatch(/error: 502|HTTP 502/);
    const { status, body } = await greeting('large');
    expect([status, body.toString()]).toEqual([502, expect.stringMatching(/^[^\n]+\n$/)]);
    await cache.logged(/^gam: .*\/large\.git cannot be fetched: .*No space left on device.*$/m);
    expect([copies(), halves()]).toEqual([['small.git'], []]);
    expect(small.room()).toBeGreaterThan(2 * MIB);
  });

  test('what is here is served on, also where not a byte can be written', async () => {
    small.leave(0);
    expect(small.room()).toBe(0);
    await sandbox.git(['clone', '-q', `${cache.url}${top}/small.git`, 'from-a-full-disk']);
    await expectSameRefs(sandbox, 'from-a-full-disk', 'served/small.git', asFetched);
    await expectClean(sandbox, 'from-a-full-disk');
  });

  test('a copy that cannot be refreshed is served as it was, and stays sound', async () => {
    small.leave(0);
    const before = (await sandbox.git(['rev-parse', 'main'], { cwd: 'served/small.git' })).stdout;
    await addCommits(sandbox, 'served/small.git', 200, { blobSize: 20_000 });
    const { stdout } = await sandbox.git(['ls-remote', `${cache.url}${top}/small.git`, 'main']);
    expect(stdout.split('\t')[0]).toBe(before.trim());
    await expectClean(sandbox, `disk/cache/http/127.0.0.1+${canonical.port}/small.git`);
  });

  test('when there is room again, all of it comes', async () => {
    small.free();
    for (const name of ['small', 'large']) {
      await sandbox.git(['clone', '-q', `${cache.url}${top}/${name}.git`, `${name}-again`]);
      await expectSameRefs(sandbox, `${name}-again`, `served/${name}.git`, asFetched);
    }
    expect([copies(), halves()]).toEqual([['large.git', 'small.git'], []]);
  });
}
