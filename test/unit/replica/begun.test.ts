import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { begin, cutOff, forget } from '../../../src/replica/begun.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gam-begun-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The name of a process that was. */
function ended(): string {
  const { pid } = spawnSync('true');
  return processName(pid);
}

const note = (name: string, owner: string) =>
  writeFileSync(join(folder, name), `${owner}\nrefs/heads/main\n`);

test('a push is noted until it is through', () => {
  const end = begin(folder, 'eu-1', ['refs/heads/main']);
  expect(readdirSync(folder)).toEqual(['eu-1']);
  expect(cutOff(folder)).toEqual([]);
  end();
  expect(readdirSync(folder)).toEqual([]);
});

test('one whose process has ended is told until it is forgotten', () => {
  note('eu-1', ended());
  expect(cutOff(folder)).toEqual([{ transaction: 'eu-1', refs: ['refs/heads/main'] }]);
  forget(folder, { transaction: 'eu-1', refs: [] });
  expect(cutOff(folder)).toEqual([]);
});

test('what was only drafted goes with its process, and is no push', () => {
  note('.eu-1', ended());
  note('.eu-2', processName(process.pid));
  writeFileSync(join(folder, '.eu-3'), '');
  expect(cutOff(folder)).toEqual([]);
  expect(readdirSync(folder).sort()).toEqual(['.eu-2', '.eu-3']);
});
