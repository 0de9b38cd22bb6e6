import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gateMemory } from '../../../src/replica/gate-memory.ts';
import { placesOf } from '../../../src/replica/places.ts';

let gitDir: string;
beforeAll(() => {
  gitDir = mkdtempSync(join(tmpdir(), 'gam-gate-'));
});
afterAll(() => rmSync(gitDir, { recursive: true }));

const A = 'a'.repeat(40);
const B = 'b'.repeat(64);

test('keeps a gate and marks for whoever pushes next, and forgets them', () => {
  const [one, other] = [gateMemory(placesOf(gitDir)), gateMemory(placesOf(gitDir))];
  expect([one.gate(), one.marks()]).toEqual([null, []]);
  one.keep(A);
  one.note({ transaction: 'eu-1', oid: A });
  one.note({ transaction: 'eu-2', oid: B });
  expect(other.gate()).toBe(A);
  const marks = other.marks();
  expect(new Map(marks.map(({ transaction, oid }) => [transaction, oid]))).toEqual(
    new Map([
      ['eu-1', A],
      ['eu-2', B],
    ]),
  );
  other.keep(null);
  other.forget(marks);
  // Somebody else has forgotten them, too.
  one.forget(marks);
  expect([one.gate(), one.marks()]).toEqual([null, []]);
});

test('takes for nothing what is cut off or damaged: it would be sent to the arbiter', () => {
  const places = placesOf(gitDir);
  mkdirSync(places.done, { recursive: true });
  for (const text of ['', 'abc\n', `${A} ${A}\n`, `${A.slice(1)}\n`, 'Z'.repeat(40)]) {
    writeFileSync(places.gate, text);
    writeFileSync(join(places.done, 'eu-3'), text);
    const memory = gateMemory(places);
    expect([text, memory.gate(), memory.marks()]).toEqual([text, null, []]);
  }
});
