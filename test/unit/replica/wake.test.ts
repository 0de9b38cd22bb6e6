import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { placesOf } from '../../../src/replica/places.ts';
import { needsWorker, wakeHere } from '../../../src/replica/wake.ts';

/** No process has such a number. */
const NOBODY = 2 ** 22 + 1;

let gitDir: string;
beforeEach(() => {
  gitDir = mkdtempSync(join(tmpdir(), 'gam-wake-'));
});
afterEach(() => rmSync(gitDir, { recursive: true }));

test('a worker is to be started for what is noted, unless one is at work that lives', () => {
  const places = placesOf(gitDir);
  expect(needsWorker(places)).toBe(false);
  wakeHere(gitDir);
  expect(needsWorker(places)).toBe(true);
  // It looks again before it ends.
  writeFileSync(places.workerLock, processName(process.pid));
  expect(needsWorker(places)).toBe(false);
  // Killed, it has left its lock and its work.
  writeFileSync(places.workerLock, processName(NOBODY));
  expect(needsWorker(places)).toBe(true);
  // Of another machine: only whoever takes the lock finds out.
  writeFileSync(places.workerLock, '00000000-1-1');
  expect(needsWorker(places)).toBe(true);
});
