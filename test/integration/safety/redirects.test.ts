import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { BAND } from '../../../src/pkt-line/sideband.ts';
import { type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';
import {
  onBand,
  packFrom,
  packStart,
  refsToTell,
  scripted,
  startHostileServer,
} from '../../helpers/hostile-server.ts';
import type { HttpServer } from '../../helpers/http-server.ts';
import { cloneBare } from '../../helpers/repository.ts';

// Group 6: a mirror that sends the client elsewhere is not followed. git would carry a header along.

let scene: HostileScene;
let canonical: HttpServer;
let mirror: HttpServer;
let elsewhere: HttpServer;
let open: string;

beforeAll(async () => {
  scene = await setHostileScene();
  await cloneBare(scene.sandbox, 'served/canonical.git', 'mirrors/mirror.git');
  canonical = await scene.http();
  mirror = await scene.serve('mirrors');
  elsewhere = await scene.serve('mirrors');
  open = mirror.url.replace('127.0.0.1', 'localhost');
});

afterAll(() => scene.close());

beforeEach(() => {
  for (const server of [canonical, mirror, elsewhere]) server.requests.length = 0;
});

/** Has the mirror answer requests of one method by a redirect. */
function redirect(method: string, status: number, location: (path: string) => string): void {
  mirror.answer = (request, response) => {
    if (request.method !== method) return false;
    request.resume();
    response.writeHead(status, { Location: location(request.url ?? '') }).end();
    return true;
  };
}

const targets: [string, (path: string) => string][] = [
  ['to another host', (path) => `${elsewhere.url}${path}`],
  ['to itself, by another name', (path) => `${mirror.url}${path}`],
  ['to canonical', (path) => `${canonical.url}${path.replace('mirror.git', 'canonical.git')}`],
  ['to file:', () => 'file:///etc/passwd'],
  ['in a loop', (path) => path],
];

for (const method of ['GET', 'POST']) {
  test.each(targets)(`${method} %s is not followed`, async (_where, location) => {
    redirect(method, method === 'GET' ? 302 : 307, location);
    const outcome = await scene.clone(`${open}/mirror.git`, {
      canonical: `${canonical.url}/canonical.git`,
      // Not even where the user has allowed it for every host.
      config: { 'http.followRedirects': 'true', [`http.${open}/.followRedirects`]: 'true' },
    });
    await scene.expectPassedOver(outcome, /^localhost:[0-9]+: .*(?:error: 30[27]|HTTP 30[27]|hung up)/);
    const redirected = mirror.requests.filter((request) => request.method === method);
    expect(redirected).toHaveLength(1);
    expect(elsewhere.requests).toEqual([]);
    expect(canonical.requests.map((request) => request.method)).toEqual(['GET', 'POST', 'POST']);
  });
}

// fetch-pack fetches what `packfile-uris` names although nobody asked for it (seen on git 2.39.5), from any
// host and with the user's own http configuration.
test.each(['packfile-uris', 'wanted-refs', 'anything-else'])(
  'a section that was not asked for is not acted on: %s',
  async (section) => {
    const { sandbox } = scene;
    const told = await refsToTell(sandbox, 'served/canonical.git');
    const pack = await packFrom(sandbox, 'served/canonical.git', [], ['--all']);
    const hash = pack.subarray(-20).toString('hex');
    const line = `${hash} ${elsewhere.url}/mirror.git/objects/pack/pack-${hash}.pack`;
    const hostile = scene.add(
      await startHostileServer(
        scripted(told, pack, {
          fetch: (request, out) =>
            out.send(
              ...packStart(request).slice(0, -1),
              linePacket(section),
              linePacket(line),
              DELIM,
              linePacket('packfile'),
              ...onBand(BAND.data, pack),
              FLUSH,
            ),
        }),
      ),
    );
    const outcome = await scene.clone(hostile.url, { config: { 'http.extraHeader': 'X-Token: s3cret' } });
    await scene.expectPassedOver(outcome, /: sent '[a-z-]+', which was not asked for$/);
    expect(elsewhere.requests).toEqual([]);
  },
);

test('a redirect with a login in it is not followed, and not shown', async () => {
  redirect('GET', 301, (path) => `http://user:s3cret@127.0.0.1:${elsewhere.port}${path}`);
  const outcome = await scene.clone(`${open}/mirror.git`);
  await scene.expectPassedOver(outcome, /: .*301/);
  expect(elsewhere.requests).toEqual([]);
  expect(outcome.stderr).not.toContain('s3cret');
});
