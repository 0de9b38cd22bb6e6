import { createHmac } from 'node:crypto';
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { ReplicaGroup } from '../../helpers/replica-group.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let group: ReplicaGroup;

beforeAll(async () => {
  sandbox = makeSandbox();
  group = await ReplicaGroup.found(sandbox, { eu: 'primary', us: 'primary' });
  await initBare(sandbox, 'hub.git');
  await group.gam(['replica', 'host', group.url('hub'), '--id', 'hub', '--repo', group.url('eu')]);
  await group.resting();
});

afterAll(() => sandbox.close());

const run = (id = 'us') =>
  group.gam(['replica', 'run', '--once', '--repo', group.url(id)], { expectStatus: null });
const hub = async (id = 'eu') => (await group.status(id)).members.find((member) => member.id === 'hub');
const at = async (id: string, ref: string) => (await group.refs(id)).get(ref) ?? null;
const diverged = async (id: string) => [...(await group.refs(id, ['refs/gam/diverged'])).values()];

test('a push to either primary is there within seconds; a push there is at all primaries by a look from any', async () => {
  const one = await group.commit();
  const two = await group.commit(one);
  await group.push([`${one}:refs/heads/main`, `${one}:refs/tags/v1`], 'eu');
  await group.follows('hub');
  await group.push([`${one}:refs/heads/topic`], 'us');
  await group.follows('hub');

  await group.push([`${two}:refs/heads/main`, `${two}:refs/heads/theirs`, `${two}:refs/other/x`], 'hub');
  await group.resting();
  expect((await run('us')).status).toBe(0);
  for (const id of ['eu', 'us']) {
    expect(await group.refs(id)).toEqual(await group.refs('hub'));
    expect((await group.refs(id, ['refs/other'])).size).toBe(0);
  }
  await group.resting();
  expect(await hub()).toMatchObject({ state: 'current', apart: [], lastFailure: null });
});

test('what is deleted on one side is deleted on the other, unless it has moved there since', async () => {
  const one = await group.commit();
  const two = await group.commit(one);
  const refs = ['gone-here', 'gone-there', 'kept-here', 'kept-there'].map((name) => `refs/heads/${name}`);
  await group.push(refs.map((ref) => `${one}:${ref}`));
  await group.follows('hub');
  await group.resting();

  await group.push([':refs/heads/gone-there', ':refs/heads/kept-here'], 'hub');
  await group.push([`${two}:refs/heads/kept-there`], 'hub');
  await group.push([`${two}:refs/heads/kept-here`, ':refs/heads/gone-here', ':refs/heads/kept-there']);
  await group.resting();
  expect((await run()).status).toBe(0);
  for (const id of ['eu', 'us', 'hub'])
    expect(await Promise.all(refs.map((ref) => at(id, ref)))).toEqual([null, null, two, two]);
});

test('a ref that has moved apart changes on neither side, is kept and told, and goes on once somebody has merged', async () => {
  const base = await group.commit();
  await group.push([`${base}:refs/heads/split`, `${base}:refs/heads/rewritten`, `${base}:refs/tags/moved`]);
  await group.follows('hub');
  await group.resting();
  const [ours, theirs, other] = [
    await group.commit(base),
    await group.commit(base),
    await group.commit(base),
  ];
  await group.push([`${theirs}:refs/heads/split`, `+${theirs}:refs/tags/moved`], 'hub');
  await group.push([`${ours}:refs/heads/split`, `+${await group.commit()}:refs/heads/rewritten`]);
  await group.push([`${other}:refs/heads/beside`]);
  await group.logged('eu', /hub: refs\/heads\/split has moved apart/);
  await group.resting();
  expect((await run()).status).toBe(0);
  expect(await at('hub', 'refs/heads/beside')).toBe(other);
  expect([await at('eu', 'refs/heads/split'), await at('hub', 'refs/heads/split')]).toEqual([ours, theirs]);
  // Never by force, though nobody has pushed there since.
  expect(await at('hub', 'refs/heads/rewritten')).toBe(base);
  expect(await at('eu', 'refs/tags/moved')).toBe(base);
  for (const id of ['eu', 'us']) {
    expect(await diverged(id)).toContain(theirs);
    expect((await hub(id))?.apart).toEqual(['refs/heads/rewritten', 'refs/heads/split', 'refs/tags/moved']);
  }
  const { stdout } = await group.gam(['replica', 'status', '--repo', group.url('us')], { expectStatus: 1 });
  expect(stdout).toContain('hub: refs/heads/split has moved apart');

  const tree = (await sandbox.git(['rev-parse', `${ours}^{tree}`], { cwd: 'work' })).stdout.trim();
  const merging = ['commit-tree', '-p', ours, '-p', theirs, '-m', 'merge', tree];
  const merged = (await sandbox.git(merging, { cwd: 'work' })).stdout.trim();
  await group.push([`${merged}:refs/heads/split`]);
  // Each is deleted where the other side has stayed as it was, and so goes there, too.
  await group.push([':refs/tags/moved'], 'hub');
  await group.push([':refs/heads/rewritten']);
  await group.follows('hub');
  await group.resting();
  expect((await hub())?.apart).toEqual([]);
});

test('what a primary refuses to users it refuses to the forge, and what the forge refuses is told', async () => {
  const base = await group.commit();
  await group.push([`${base}:refs/heads/guarded`, `${base}:refs/heads/frozen`]);
  await group.follows('hub');
  await group.resting();
  const hook = `${group.url('hub')}/hooks/update`;
  mkdirSync(`${group.url('hub')}/hooks`, { recursive: true });
  writeFileSync(hook, '#!/bin/sh\n[ "$1" != refs/heads/frozen ]\n');
  chmodSync(hook, 0o755);
  await sandbox.git(['config', 'receive.denyDeletes', 'true'], { cwd: 'us.git' });
  await group.push([':refs/heads/guarded'], 'hub');
  const refused = await run('us');
  expect(refused.status).toBe(1);
  expect(await at('us', 'refs/heads/guarded')).toBe(base);
  expect((await hub('us'))?.lastFailure?.reason).toMatch(/refs\/heads\/guarded: deletion prohibited/);
  await sandbox.git(['config', '--unset', 'receive.denyDeletes'], { cwd: 'us.git' });

  await group.push([`${await group.commit(base)}:refs/heads/frozen`]);
  await group.logged('eu', /refs\/heads\/frozen: .*hook declined/);
  expect((await hub())?.lastFailure?.reason).toMatch(/hook declined/);
  renameSync(hook, `${hook}.off`);
  expect((await run()).status).toBe(0);
  await group.follows('hub');
  await group.follows('hub', 'us');
});

test('two primaries that look at the same time do not fight, and users push to all sides meanwhile', async () => {
  await group.resting();
  let tip = await group.commit();
  await group.push([`${tip}:refs/heads/both`]);
  await group.follows('hub');
  for (let n = 0; n < 2; n += 1) {
    tip = await group.commit(tip);
    const [a, b] = [await group.commit(), await group.commit()];
    await Promise.all([
      group.push([`${tip}:refs/heads/both`], 'hub'),
      group.push([`${a}:refs/heads/a${n}`], 'eu'),
      group.push([`${b}:refs/heads/b${n}`], 'us'),
      run('eu'),
      run('us'),
    ]);
  }
  await group.resting();
  expect((await run()).status).toBe(0);
  for (const id of ['us', 'hub']) expect(await group.refs(id)).toEqual(await group.refs('eu'));
  expect(await at('eu', 'refs/heads/both')).toBe(tip);
});

test('with --on-conflict stop, nothing goes either way while a ref has moved apart', async () => {
  await initBare(sandbox, 'strict.git');
  const host = ['replica', 'host', group.url('strict'), '--id', 'strict', '--on-conflict', 'stop'];
  await group.gam([...host, '--repo', group.url('eu')]);
  await group.follows('strict');
  await group.resting();
  const base = await at('eu', 'refs/heads/both');
  const theirs = await group.commit();
  await group.push([`+${theirs}:refs/heads/both`], 'strict');
  await group.push([`${base}:refs/heads/waits`]);
  await group.logged('eu', /strict has moved apart at 1 refs, such as refs\/heads\/both/);
  expect(await at('strict', 'refs/heads/waits')).toBe(null);
  expect(await diverged('us')).toContain(theirs);
  await group.push([`+${base}:refs/heads/both`], 'strict');
  expect((await run('eu')).status).toBe(0);
  await group.follows('strict');
  await group.gam(['replica', 'unhost', 'strict', '--repo', group.url('eu')]);
  expect((await group.status()).members.map(({ id }) => id)).toEqual(['eu', 'us', 'hub']);
});

test.each([
  [['https://x', '--id', 'hub'], /has hub already/],
  [['hub.git', '--id', 'other'], /no URL that all primaries can use/],
  [['--id', 'other', '--', '--upload-pack=x'], /no URL that all primaries can use/],
  [['/nowhere/at/all', '--id', 'other'], /cannot be reached/],
])('%j is refused, and changes nothing', async (args, words) => {
  const ended = await group.gam(['replica', 'host', '--repo', group.url('eu'), ...args], {
    expectStatus: null,
  });
  expect(ended.status).not.toBe(0);
  expect(ended.stderr).toMatch(words);
  expect((await group.status()).members).toHaveLength(3);
});

test('a forge that calls with a proof is looked at, and anybody else learns nothing', async () => {
  writeFileSync(sandbox.path('hook.secret'), 'correct horse\n');
  await sandbox.git(['config', 'replica.hub.hookSecretFile', sandbox.path('hook.secret')], { cwd: 'eu.git' });
  writeFileSync(sandbox.path('logins'), '');
  const server: GamServe = await gamServe(sandbox, '.', ['--htpasswd', sandbox.path('logins')]);
  const body = JSON.stringify({ ref: 'refs/heads/main' });
  const sign = (secret: string) => createHmac('sha256', secret).update(body).digest('hex');
  const call = async (headers: Record<string, string>, path = 'eu.git', text = body) => {
    const url = `${server.url}/${path}/-/replica/hook`;
    const response = await fetch(url, { method: 'POST', headers, body: text });
    return [response.status, await response.text()];
  };
  // On a line of its own, which the server may close.
  const callOnce = (headers: Record<string, string>, text: string) =>
    new Promise<number | undefined>((resolve, reject) => {
      const options = { method: 'POST', headers, agent: false };
      const asked = request(`${server.url}/eu.git/-/replica/hook`, options, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      asked.on('error', reject).end(text);
    });
  try {
    const proofs = [
      { 'X-Hub-Signature-256': `sha256=${sign('correct horse')}` },
      { 'X-Gitea-Signature': sign('correct horse') },
      { 'X-Gitlab-Token': 'correct horse' },
    ];
    for (const [n, proof] of proofs.entries()) {
      await group.resting();
      await group.push([`${await group.commit()}:refs/heads/called-${n}`], 'hub');
      expect(await call(proof)).toEqual([202, '']);
      await group.follows('us', 'hub');
    }
    await group.resting();
    const tip = await group.commit();
    await group.push([`${tip}:refs/heads/uncalled`], 'hub');
    const hubProof = { 'X-Hub-Signature-256': `sha256=${sign('correct horse')}` };
    expect(await call({ 'X-Hub-Signature-256': `sha256=${sign('wrong')}` })).toEqual([403, '']);
    expect(await call({ 'X-Gitlab-Token': 'wrong' })).toEqual([403, '']);
    expect(await call({ 'X-Hub-Signature-256': 'sha256=beef' })).toEqual([403, '']);
    expect(await call({})).toEqual([403, '']);
    expect(await call(hubProof, 'eu.git', `${body} `)).toEqual([403, '']);
    expect(await call(hubProof, 'us.git')).toEqual([403, '']);
    expect(await call(hubProof, 'hub.git')).toEqual([403, '']);
    expect(await call(hubProof, 'nothing.git')).toEqual([403, '']);
    expect(await callOnce(hubProof, 'x'.repeat(26 * 2 ** 20))).toBe(413);
    await group.resting();
    expect(await at('eu', 'refs/heads/uncalled')).toBe(null);
    // In two minutes that follow each other, one has more than are looked into.
    const statuses = await Promise.all(Array.from({ length: 130 }, async () => (await call({}))[0]));
    expect(new Set(statuses)).toEqual(new Set([403, 429]));
  } finally {
    await server.stop();
  }
});
