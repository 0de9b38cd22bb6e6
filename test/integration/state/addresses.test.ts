import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressesOf, measuredUrl, recallAt } from '../../../src/state/addresses.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const CANONICAL = 'https://git.example/x';
const ANNA = 'http://anna.example:8080/';
const AT = `${ANNA}x/-/remotes/origin`;

let sandbox: Sandbox;

beforeAll(() => {
  sandbox = makeSandbox();
});
afterAll(() => sandbox.close());

const soon = () => Date.now() + 60_000;
const envOf = (name: string) => ({ XDG_STATE_HOME: sandbox.path(name) });
const folder = (name: string) => sandbox.path(name, 'gam/addresses');

test('what a mirror has said of a repository counts for that repository, also in the next run', async () => {
  const env = envOf('kept');
  await addressesOf(CANONICAL, env).keep(ANNA, { address: AT, until: soon() });
  const next = addressesOf(CANONICAL, env);
  expect(next.recall(ANNA)?.address).toBe(AT);
  expect(next.recall('http://bob.example:8080/')).toBe(null);
  expect(next.recall(`${ANNA}x`)).toBe(null);
  expect(addressesOf('https://git.example/y', env).recall(ANNA)).toBe(null);
  expect(measuredUrl(next, ANNA)).toBe(AT);
  next.forget(ANNA);
  expect([next.recall(ANNA), addressesOf(CANONICAL, env).recall(ANNA)]).toEqual([null, null]);
});

test('it counts no longer than it was said to', async () => {
  const env = envOf('over');
  const addresses = addressesOf(CANONICAL, env);
  await addresses.keep(ANNA, { address: AT, until: Date.now() - 1 });
  expect([addresses.recall(ANNA), addressesOf(CANONICAL, env).recall(ANNA)]).toEqual([null, null]);
});

test('that it lacks it is known until then, of that repository alone', async () => {
  const env = envOf('lacks');
  const until = soon();
  await addressesOf(CANONICAL, env).keep(ANNA, { address: null, until });
  const known = recallAt(addressesOf(CANONICAL, env), env);
  expect(known({ url: ANNA, refusal: null }).lacksUntil).toBe(until);
  const other = recallAt(addressesOf('https://git.example/y', env), env);
  expect(other({ url: ANNA, refusal: null }).lacksUntil).toBe(null);
});

test('no login is written down, and nothing of what mirrors are not told', async () => {
  const env = envOf('secret');
  const addresses = addressesOf('https://ann:secret@git.example/x', env);
  expect(addresses.canonical).toBe(CANONICAL);
  await addresses.keep(ANNA, { address: AT, until: soon() });
  const [file = ''] = readdirSync(folder('secret'));
  expect(readFileSync(`${folder('secret')}/${file}`, 'utf8')).not.toContain('secret');
  const token = addressesOf('https://git.example/x?token=secret', envOf('token'));
  expect(token.canonical).toBe(null);
  await token.keep(ANNA, { address: AT, until: soon() });
  expect(existsSync(folder('token'))).toBe(false);
});

test.each([
  '',
  'null',
  '[]',
  '{"mirror":1}',
  '{',
  `{"mirror":"${ANNA}","of":"${CANONICAL}","address":7,"until":1}`,
])('a file that is damaged counts for nothing: %j', async (text) => {
  const env = envOf('damaged');
  await addressesOf(CANONICAL, env).keep(ANNA, { address: AT, until: soon() });
  const [file = ''] = readdirSync(folder('damaged'));
  writeFileSync(`${folder('damaged')}/${file}`, text);
  expect(addressesOf(CANONICAL, env).recall(ANNA)).toBe(null);
});

test('without a home it counts for this run', async () => {
  const addresses = addressesOf(CANONICAL, {});
  await addresses.keep(ANNA, { address: AT, until: soon() });
  expect(addresses.recall(ANNA)?.address).toBe(AT);
});
