import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseReader, Readers, readersOf, writeReader } from '../../../src/state/readers.ts';

const DAY_MS = 24 * 3600 * 1000;
const START = Date.UTC(2026, 0, 1, 12);

let gitDir: string;
beforeEach(() => {
  gitDir = mkdtempSync(join(tmpdir(), 'gam-readers-'));
});
afterEach(() => {
  rmSync(gitDir, { recursive: true, force: true });
});

function makeMember(): void {
  mkdirSync(join(gitDir, 'gam', 'replica'), { recursive: true });
  writeFileSync(join(gitDir, 'gam', 'replica', 'group'), '');
}

test('what is written of a reader is read again', () => {
  const reader = fc.record({
    client: fc.string(),
    user: fc.option(fc.string()),
    count: fc.nat(),
    last: fc.nat(),
  });
  fc.assert(
    fc.property(reader, (one) => {
      expect(parseReader(writeReader(one))).toEqual(one);
    }),
  );
});

test('what is no reader is none, whatever it is', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      expect(parseReader(text)).toBeNull();
    }),
  );
});

test('counts each reader over the days, the last one first, and forgets old days', async () => {
  makeMember();
  const readers = new Readers();
  await readers.note(gitDir, '192.0.2.1', 'ada', START);
  for (let day = 1; day <= 61; day += 1) await readers.note(gitDir, '192.0.2.2', null, START + day * DAY_MS);
  await readers.note(gitDir, '192.0.2.3\u001b[1m', null, START + 60 * DAY_MS);
  expect(await readersOf(gitDir)).toEqual([
    { client: '192.0.2.2', user: null, count: 60, last: START + 61 * DAY_MS },
    { client: expect.not.stringContaining('\u001b'), user: null, count: 1, last: START + 60 * DAY_MS },
  ]);
});

test('loses none of many that come at once', async () => {
  makeMember();
  const readers = new Readers();
  await Promise.all(Array.from({ length: 50 }, () => readers.note(gitDir, '192.0.2.1', null, START)));
  expect(await readersOf(gitDir)).toMatchObject([{ count: 50 }]);
});

test('keeps nothing in a repository that is in no group', async () => {
  await new Readers().note(gitDir, '192.0.2.1', null, START);
  expect(readdirSync(gitDir)).toEqual([]);
  expect(await readersOf(gitDir)).toEqual([]);
});
