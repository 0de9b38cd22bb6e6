import { chmodSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Advertisement } from '../../../src/protocol/advertisement.ts';
import { forgetGreeting, recallGreeting, rememberGreeting } from '../../../src/state/greetings.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const GREETING: Advertisement = {
  capabilities: new Map([
    ['agent', 'git/2'],
    ['fetch', 'filter'],
    ['object-format', 'sha1'],
  ]),
};

let sandbox: Sandbox;
let folder: string;
beforeEach(() => {
  sandbox = makeSandbox();
  folder = sandbox.path('home/.local/state/gam/greetings');
});
afterEach(() => sandbox.close());

const url = (number: number) => `https://far.example/${number}.git`;

test('what canonical said is known until it is forgotten, and of that server alone', async () => {
  const { env } = sandbox;
  expect(recallGreeting(url(1), env)).toBeNull();
  await rememberGreeting(url(1), GREETING, env);
  expect(recallGreeting(url(1), env)).toEqual(GREETING);
  expect(recallGreeting(url(2), env)).toBeNull();
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  forgetGreeting(url(1), env);
  expect(recallGreeting(url(1), env)).toBeNull();
  expect(readdirSync(folder)).toEqual([]);
});

test('without a home, with one that is a file, or that nobody may write to, nothing is known and nothing fails', async () => {
  writeFileSync(sandbox.path('file'), '');
  mkdirSync(sandbox.path('closed'));
  chmodSync(sandbox.path('closed'), 0o500);
  for (const env of [{}, { XDG_STATE_HOME: 'relative' }, { XDG_STATE_HOME: sandbox.path('file') }]) {
    await rememberGreeting(url(1), GREETING, env);
    expect(recallGreeting(url(1), env)).toBeNull();
    forgetGreeting(url(1), env);
  }
  await rememberGreeting(url(1), GREETING, { XDG_STATE_HOME: sandbox.path('closed') });
});

test('nothing is kept of a URL with a login, nor of a server without filters', async () => {
  const { env } = sandbox;
  await rememberGreeting('https://ada:secret@far.example/1.git', GREETING, env);
  await rememberGreeting(url(1), { capabilities: new Map([['fetch', 'shallow']]) }, env);
  await rememberGreeting(
    url(2),
    { capabilities: new Map([...GREETING.capabilities, ['agent', 'x'.repeat(1001)]]) },
    env,
  );
  expect(recallGreeting(url(2), env)).toBeNull();
  expect(recallGreeting(url(1), env)).toBeNull();
});

test('the folder does not grow: those that count no more make room', async () => {
  const { env } = sandbox;
  for (let number = 0; number < 70; number += 1) await rememberGreeting(url(number), GREETING, env);
  expect(readdirSync(folder).length).toBeLessThanOrEqual(64);
  for (const name of readdirSync(folder)) utimesSync(`${folder}/${name}`, 0, Date.now() / 1000 - 700);
  expect(recallGreeting(url(1), env)).toBeNull();
  await rememberGreeting(url(100), GREETING, env);
  expect(recallGreeting(url(100), env)).toEqual(GREETING);
  expect(readdirSync(folder)).toHaveLength(1);
});
