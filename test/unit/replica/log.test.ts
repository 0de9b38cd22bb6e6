import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { clearFailure, failureOf, noteFailure } from '../../../src/replica/failures.ts';
import { writeLog } from '../../../src/replica/log.ts';
import { type Places, placesOf } from '../../../src/replica/places.ts';

let folder: string;
let places: Places;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gam-log-'));
  places = placesOf(folder);
  mkdirSync(places.folder, { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true }));

test('a log has a line for each event, with its time, and nothing that a terminal would obey', () => {
  writeLog(places, 'co: \u001b[2Jgone\nfor ever');
  expect(readFileSync(places.log, 'utf8')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z co: \?\[2Jgone\?for ever\n$/);
});

test('a log grows to a bound, and its newest lines are there', () => {
  for (let n = 0; n < 3000; n += 1) writeLog(places, `${n} ${'x'.repeat(400)}`);
  const sizes = [places.log, places.formerLog].map((file) => statSync(file).size);
  expect(Math.max(...sizes)).toBeLessThan(300_000);
  expect(readFileSync(places.log, 'utf8')).toContain(' 2999 x');
});

test('a log that cannot be written stops nothing', () => {
  rmSync(places.folder, { recursive: true });
  expect(() => writeLog(places, 'anything')).not.toThrow();
});

test('what went wrong with a member is known until it is over', () => {
  noteFailure(places, 'co', 'gone\nfor ever: \u001b[2J');
  noteFailure(places, 'mo', 'other');
  expect(failureOf(places, 'co')).toMatchObject({ reason: 'gone?for ever: ?[2J' });
  expect(Math.abs(Date.now() - (failureOf(places, 'co')?.at ?? 0))).toBeLessThan(60_000);
  clearFailure(places, 'co');
  expect([failureOf(places, 'co'), failureOf(places, 'mo')?.reason]).toEqual([null, 'other']);
});
