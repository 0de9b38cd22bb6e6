import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type KeptList, NO_LIST } from '../../../src/mirror/kept-list.ts';
import { forgetList, recallList, rememberList } from '../../../src/state/mirror-lists.ts';
import { markUnlisted, mayHaveList, unmarkUnlisted } from '../../../src/state/unlisted.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
let folder: string;
beforeEach(() => {
  sandbox = makeSandbox();
  folder = sandbox.path('home/.local/state/gam');
});
afterEach(() => sandbox.close());

const url = (number: number) => `https://far.example.com/${number}.git`;
const made = (ttl: number) => (): KeptList => ({ ...NO_LIST, asked: Date.now(), ttl });

test('what canonical named is known until it is forgotten, and of that server alone', async () => {
  const { env } = sandbox;
  expect(recallList(url(1), env)).toBeNull();
  expect(await rememberList(url(1), made(7), env)).toBe(true);
  expect(recallList(url(1), env)).toMatchObject({ ttl: 7 });
  expect(recallList(url(2), env)).toBeNull();
  expect(statSync(`${folder}/lists`).mode & 0o777).toBe(0o700);
  expect(forgetList(url(1), env)).toBe(true);
  expect(forgetList(url(1), env)).toBe(false);
  expect(readdirSync(`${folder}/lists`)).toEqual([]);
});

test('many who write at once leave a whole list, on top of what the others wrote', async () => {
  const { env } = sandbox;
  const add = (kept: KeptList): KeptList => ({ ...kept, more: kept.more + 1 });
  const written = await Promise.all(Array.from({ length: 12 }, () => rememberList(url(1), add, env)));
  const done = written.filter(Boolean).length;
  expect(done).toBeGreaterThan(0);
  expect(recallList(url(1), env)?.more).toBe(done);
  expect(readdirSync(`${folder}/lists`)).toHaveLength(1);
});

test('a URL with a login is not written down, nor are more lists and marks than are sane', async () => {
  const { env } = sandbox;
  const secret = 'https://me:secret@far.example.com/x';
  expect(await rememberList(secret, made(1), env)).toBe(false);
  markUnlisted(secret, env);
  expect(mayHaveList(secret, env)).toBe(false);
  for (let number = 0; number < 300; number += 1) await rememberList(url(number), made(number), env);
  for (let number = 0; number < 600; number += 1) markUnlisted(url(number), env);
  expect(readdirSync(`${folder}/lists`).length).toBeLessThanOrEqual(256);
  expect(readdirSync(`${folder}/unlisted`).length).toBeLessThanOrEqual(512);
  expect(recallList(url(299), env)).toMatchObject({ ttl: 299 });
  expect(mayHaveList(url(599), env)).toBe(false);
  const all = readdirSync(`${folder}/lists`).map((name) => readFileSync(`${folder}/lists/${name}`, 'utf8'));
  expect(all.join('')).not.toContain('secret');
});

test('a mark counts for as long as it says, and until it is taken away', () => {
  const { env } = sandbox;
  expect(mayHaveList(url(1), env)).toBe(true);
  markUnlisted(url(1), env);
  expect(mayHaveList(url(1), env)).toBe(false);
  unmarkUnlisted(url(1), env);
  expect(mayHaveList(url(1), env)).toBe(true);
  markUnlisted(url(1), env, 0);
  expect(mayHaveList(url(1), env)).toBe(true);
});

test('without a home, with one that is a file, or that nobody may write to, nothing is known and nothing fails', async () => {
  writeFileSync(sandbox.path('file'), '');
  mkdirSync(sandbox.path('closed'));
  chmodSync(sandbox.path('closed'), 0o500);
  for (const state of [undefined, sandbox.path('file'), sandbox.path('closed')]) {
    const env = { ...sandbox.env, HOME: undefined, XDG_STATE_HOME: state };
    if (state === sandbox.path('closed') && process.getuid?.() === 0) continue;
    expect(await rememberList(url(1), made(1), env)).toBe(false);
    markUnlisted(url(1), env);
    expect(recallList(url(1), env)).toBeNull();
    expect(forgetList(url(1), env)).toBe(false);
  }
});
