import { statSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { writeBundleHeader } from '../../../src/protocol/bundle-header.ts';
import { makeBundle, makeBundleList } from '../../helpers/bundles.ts';
import { packDelta, packHeader, packObject, packOf, TYPE } from '../../helpers/hostile-pack.ts';
import { type HostileScene, setHostileScene } from '../../helpers/hostile-scene.ts';
import { packFrom, refsToTell } from '../../helpers/hostile-server.ts';
import type { HttpServer } from '../../helpers/http-server.ts';
import { openLine } from '../../helpers/line.ts';
import { generateHistory } from '../../helpers/repository.ts';

// Bundles that lie, and lists that lead elsewhere. Each is passed over with one line, and git does as without it.

const CANONICAL = 'served/canonical.git';
let scene: HostileScene;
let files: HttpServer;
let refs: Map<string, string>;
let whole: Buffer;
let tip: string;

beforeAll(async () => {
  scene = await setHostileScene();
  const { sandbox } = scene;
  await scene.behind();
  const told = await refsToTell(sandbox, CANONICAL);
  refs = new Map(told.filter(({ name }) => name.startsWith('refs/')).map(({ name, oid }) => [name, oid]));
  tip = refs.get('refs/heads/main') ?? '';
  whole = await packFrom(sandbox, CANONICAL, [], ['--all']);
  await makeBundle(sandbox, CANONICAL, 'files/good.bundle');
  files = await scene.serve('files', { speaks: 'dumb' });
});

afterAll(() => scene.close());

beforeEach(() => {
  files.requests.length = 0;
  files.answer = null;
});

interface Made {
  pack?: Buffer;
  refs?: Map<string, string>;
  format?: string;
  filter?: string | null;
  prerequisites?: string[];
}

/** Writes a bundle by hand and returns its URL. */
function bundle(name: string, { pack = whole, ...header }: Made = {}): string {
  const head = writeBundleHeader({
    version: 3,
    format: 'sha1',
    filter: null,
    prerequisites: [],
    refs,
    ...header,
  });
  return written(name, Buffer.concat([head, pack]));
}

function written(name: string, content: string | Buffer): string {
  writeFileSync(scene.sandbox.path('files', name), content);
  return `${files.url}/${name}`;
}

async function idsWithoutOneBlob(): Promise<string[]> {
  const options = { cwd: CANONICAL };
  const tree = await scene.sandbox.git(['ls-tree', '-r', 'main'], options);
  const all = await scene.sandbox.git(['rev-list', '--objects', '--all'], options);
  const blob = /blob ([0-9a-f]+)/.exec(tree.stdout)?.[1];
  const ids = all.stdout.trim().split('\n');
  return ids.map((line) => line.split(' ', 1)[0] ?? '').filter((id) => id !== blob);
}

test('the same bundle with nothing wrong is used, by clone and fetch', async () => {
  const url = bundle('right.bundle');
  for (const outcome of [await scene.clone(url), await scene.fetch(await scene.behind(), url)]) {
    await scene.expectPassedOver(outcome);
    expect(outcome.said.at(-1)).toMatch(/ from 127\.0\.0\.1:[0-9]+, .* from canonical/);
  }
});

test.each<[string, () => Promise<Made> | Made, RegExp]>([
  [
    'an object is missing',
    async () => ({ pack: await packFrom(scene.sandbox, CANONICAL, await idsWithoutOneBlob()) }),
    /incomplete history|did not receive expected object/,
  ],
  [
    'a ref leads to nothing in it',
    () => ({ refs: new Map([['refs/heads/main', tip.replace(/./g, '1')]]) }),
    /incomplete/,
  ],
  ['its pack is cut off', () => ({ pack: whole.subarray(0, whole.length >> 1) }), /git refuses: /],
  [
    'its pack is spoiled',
    () => {
      const pack = Buffer.from(whole);
      pack.writeUInt32BE(0xdeadbeef, whole.length >> 1);
      return { pack };
    },
    /git refuses: /,
  ],
  ['there is no pack', () => ({ pack: Buffer.alloc(0) }), /git refuses/],
  ['the pack is empty', () => ({ pack: packOf([]) }), /incomplete|refuses/],
  ['it claims a billion objects', () => ({ pack: packHeader(1e9) }), /git refuses/],
  [
    'a delta unpacks to a terabyte',
    () => ({
      pack: packOf([
        packObject(TYPE.blob, Buffer.from('x')),
        packDelta(
          Buffer.from('c1b0730d1b5ba3f6b9c9a2a1a0d7a1a2a3a4a5a6', 'hex'),
          1,
          2 ** 40,
          Buffer.from([1, 120]),
        ),
      ]),
    }),
    /git refuses/,
  ],
  [
    'it is of the other hash',
    () => ({ format: 'sha256', refs: new Map([['refs/heads/main', '1'.repeat(64)]]) }),
    /has sha256 objects/,
  ],
  ['objects were left out of it', () => ({ filter: 'blob:none' }), /leaves objects out/],
  [
    'what it builds on is not here',
    () => ({ prerequisites: ['1'.repeat(40), '2'.repeat(40)] }),
    /needs 2 commits that are not here/,
  ],
  [
    'it has other tags',
    () => ({ refs: new Map([...refs].map(([name], index) => [name, `${index}`.padStart(40, '1')])) }),
    /other tags|incomplete history/,
  ],
  ['it has other refs', () => ({ refs: new Map([['refs/heads/other', tip]]) }), /none of the wanted refs/],
  ['it has no refs', () => ({ refs: new Map() }), /none of the wanted refs/],
  ['it has nothing but HEAD', () => ({ refs: new Map([['HEAD', tip]]) }), /none of the wanted refs/],
  [
    'its refs are those of gam',
    () => ({ refs: new Map([['refs/mirror/x/heads/main', tip]]) }),
    /none of the wanted refs/,
  ],
])('%s', async (what, make, reason) => {
  const url = bundle(`${what.replaceAll(' ', '-')}.bundle`, await make());
  await scene.expectPassedOver(await scene.clone(url), reason);
  await scene.expectPassedOver(await scene.fetch(await scene.behind(), url), reason);
});

test('a fetch passes over a bundle that has nothing new', async () => {
  const clone = await scene.behind();
  await makeBundle(scene.sandbox, clone, 'files/known.bundle', ['main']);
  const outcome = await scene.fetch(clone, `${files.url}/known.bundle`);
  await scene.expectPassedOver(outcome, /has nothing new/);
});

test('objects that git is told to refuse are refused', async () => {
  const person = 'A <a@example.com> 1700000000 +0000';
  const tree = Buffer.from('');
  const commit = Buffer.from(
    `tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nauthor ${person}\ncommitter A a@example.com\n\nx\n`,
  );
  const pack = packOf([packObject(TYPE.commit, commit), packObject(TYPE.tree, tree)]);
  const url = bundle('fsck.bundle', { pack });
  const config = { 'transfer.fsckObjects': 'true' };
  await scene.expectPassedOver(
    await scene.clone(url, { config }),
    /git refuses: .*(missingEmail|badEmail|Email)/i,
  );
});

test.each<[string, () => string, RegExp]>([
  [
    'a page of the web',
    () => written('page.bundle', '<!DOCTYPE html><title>Log in</title>'),
    /neither a bundle nor a list/,
  ],
  ['nothing', () => written('nothing.bundle', ''), /answered|none/],
  [
    'a line of a gigabyte',
    () => written('line.bundle', `# v2 git bundle\n${'1'.repeat(1e6)}`),
    /endless line/,
  ],
  ['blanks without end', () => written('blank.bundle', ' '.repeat(3e6)), /neither/],
  ['comments without end', () => written('comment.bundle', '# \n'.repeat(1e6)), /neither/],
  [
    'escape codes',
    () => written('escape.bundle', '# v3 git bundle\n@\u001b]0;x\u0007=y\n'),
    /bundle with '\?\]0;x\?=y'/,
  ],
  [
    'a list of another version',
    () => written('v2.bundle', '[bundle]\n\tversion = 2\n\tmode = all\n'),
    /version 2/,
  ],
  [
    'a list of a megabyte',
    () => written('long.bundle', `[bundle]\n${'# x\n'.repeat(300_000)}`),
    /more than a megabyte/,
  ],
  [
    'a list that git cannot read',
    () => written('bad.bundle', '[bundle]\n\tversion\u0000 =\n'),
    /not a list of bundles/,
  ],
  [
    'a list of nothing',
    () => written('empty.bundle', '[bundle]\n\tversion = 1\n\tmode = all\n'),
    /no bundles/,
  ],
])('%s in the place of a bundle', async (_what, make, reason) => {
  await scene.expectPassedOver(await scene.clone(make()), reason);
});

test.each<[string, string, RegExp]>([
  ['another host', 'http://localhost:PORT/good.bundle', /another host/],
  ['another port', 'http://127.0.0.1:9/good.bundle', /another host/],
  ['a file of this machine', 'file://FILES/good.bundle', /another host|no URL/],
  ['a path of this machine', 'FILES/good.bundle', /not below its list/],
  ['above itself', '../good.bundle', /not below its list/],
  ['itself', 'bundle-list', /list in a list/],
  ['a program', 'ext::sh -c touch% x', /another host|no URL/],
])('a list that names %s', async (what, uri, reason) => {
  const { sandbox } = scene;
  const folder = what.replaceAll(' ', '-');
  const port = new URL(files.url).port;
  const named = uri.replace('PORT', port).replace('FILES', sandbox.path('files'));
  await makeBundleList(sandbox, `files/${folder}/bundle-list`, [named]);
  await scene.expectPassedOver(await scene.clone(`${files.url}/${folder}/bundle-list`), reason);
  expect(new Set(files.requests.map(({ path }) => path))).toEqual(new Set([`/${folder}/bundle-list`]));
});

test('a list of hundreds that are not there ends soon', async () => {
  const uris = Array.from({ length: 200 }, (_, index) => `missing-${index}.bundle`);
  const list = uris.map((uri, index) => `[bundle "${index}"]\n\turi = ${uri}\n`).join('');
  written('hundreds.bundle-list', `[bundle]\n\tversion = 1\n\tmode = all\n${list}`);
  await scene.expectPassedOver(await scene.clone(`${files.url}/hundreds.bundle-list`), /answered 404/);
  expect(files.requests.length).toBeLessThan(6);
});

test('a redirect is not followed', async () => {
  const other = await scene.serve('files', { speaks: 'dumb' });
  files.answer = (_request, response) => {
    response.writeHead(302, { Location: `${other.url}/good.bundle` }).end();
    return true;
  };
  await scene.expectPassedOver(await scene.clone(`${files.url}/good.bundle`), /redirects \(302\)/);
  expect(other.requests).toEqual([]);
});

test('more than gam.maxStageSize is not taken', async () => {
  const outcome = await scene.clone(`${files.url}/good.bundle`, { config: { 'gam.maxStageSize': '4k' } });
  await scene.expectPassedOver(outcome, /larger than the size limit/);
});

test('a mirror that mixes rubbish into what another has does not spoil it', async () => {
  const { sandbox } = scene;
  const canonical = await generateHistory(sandbox, 'bulky', { commits: 100, files: 400, blobSize: 20_000 });
  const { size } = statSync(await makeBundle(sandbox, 'bulky', 'files/bulky.bundle'));
  const liar = await scene.serve('files', { speaks: 'dumb' });
  liar.answer = (request, response) => {
    const [, from = '0', to = '0'] = /^bytes=([0-9]+)-([0-9]+)$/.exec(request.headers.range ?? '') ?? [];
    const length = Number(to) - Number(from) + 1;
    // The end, by which bundles are told apart, is true.
    if (length <= 1024) return false;
    response.writeHead(206, { 'Content-Range': `bytes ${from}-${to}/${size}` }).end(Buffer.alloc(length, 7));
    return true;
  };
  const line = scene.add(await openLine({ to: files.port, latency: 2, download: 40e6 }));
  const urls = [`http://127.0.0.1:${line.port}/bulky.bundle`, `${liar.url}/bulky.bundle`];
  const outcome = await scene.clone(urls, { canonical });
  expect(outcome.status).toBe(0);
  expect(outcome.passedOver).toEqual([]);
  expect(liar.requests.length).toBeGreaterThan(1);
  expect(outcome.said.at(-1)).toMatch(/MiB from 127\.0\.0\.1:[0-9]+, .* \(99 % saved\)/);
});
