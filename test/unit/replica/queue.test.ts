import { mkdtempSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  coalesce,
  dequeue,
  enqueue,
  enqueueLook,
  queued,
  queuedFor,
  queuedNotes,
  replacedKey,
} from '../../../src/replica/queue.ts';

let queue: string;

beforeEach(() => {
  queue = mkdtempSync(join(tmpdir(), 'gam-queue-'));
});

afterEach(() => rmSync(queue, { recursive: true }));

const ref = fc.constantFrom('refs/heads/main', 'refs/heads/a/b', 'refs/tags/ä');
const old = fc.option(fc.constantFrom('a'.repeat(40), 'b'.repeat(64)));
const push = fc.array(fc.record({ ref, old }), { minLength: 1, maxLength: 4 });

test('each ref is there once, with all that it was, put together or not', () => {
  fc.assert(
    fc.property(fc.array(push, { minLength: 1, maxLength: 5 }), fc.boolean(), (pushes, together) => {
      for (const [n, moved] of pushes.entries()) enqueue(queue, 'co', moved, `eu-${n}`);
      if (together) coalesce(queue, queuedFor(queue, 'co') ?? expect.fail('nothing is queued'));
      const entry = queuedFor(queue, 'co') ?? expect.fail('nothing is queued');
      const all = pushes.flat();
      expect(entry.refs).toEqual(new Set(all.map((one) => one.ref)));
      for (const one of all)
        if (one.old !== null) expect(entry.replaced).toContain(replacedKey(one.old, one.ref));
      expect(entry.files).toHaveLength(together ? 1 : pushes.length);
      dequeue(queue, entry);
      expect(queued(queue)).toEqual([]);
    }),
    { numRuns: 30 },
  );
});

test('what is noted while something is sent stays', () => {
  enqueue(queue, 'co', [{ ref: 'refs/heads/a', old: null }], 'eu-1');
  const entry = queuedFor(queue, 'co') ?? expect.fail('nothing is queued');
  enqueue(queue, 'co', [{ ref: 'refs/heads/b', old: null }], 'eu-2');
  enqueueLook(queue, 'co');
  dequeue(queue, entry);
  expect(queuedFor(queue, 'co')?.refs).toEqual(new Set(['refs/heads/b']));
  expect(queuedNotes(queue).get('co')).toHaveLength(2);
});

test('notes that were put together are as old as the oldest', () => {
  for (const name of ['eu-1', 'eu-2']) enqueue(queue, 'co', [{ ref: 'refs/heads/a', old: null }], name);
  utimesSync(join(queue, 'co', 'eu-1'), 1000, 1000);
  coalesce(queue, queuedFor(queue, 'co') ?? expect.fail('nothing is queued'));
  expect(queuedFor(queue, 'co')?.since).toBe(1_000_000);
  expect(readdirSync(join(queue, 'co'))).toHaveLength(1);
});
