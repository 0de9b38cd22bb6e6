import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { linePacket } from '../../../src/pkt-line/encode.ts';
import { packetLine } from '../../../src/pkt-line/packet.ts';
import { argumentValues } from '../../../src/protocol/fetch-request.ts';
import {
  completedRequest,
  emptyPack,
  isComplete,
  isForGit,
  packAnswer,
} from '../../../src/remote-helper/completion.ts';

const oid = fc.integer({ min: 0, max: 30 }).map((n) => n.toString(16).padStart(40, '0'));
const line = fc.oneof(
  oid.map((id) => `want ${id}`),
  oid.map((id) => `have ${id}`),
  fc.constantFrom('thin-pack', 'ofs-delta', 'include-tag', 'no-progress'),
);
const request = fc
  .record({ lines: fc.array(line, { maxLength: 20 }), done: fc.boolean() })
  .map(({ lines, done }) => ({
    capabilities: ['command=fetch', 'object-format=sha1'],
    arguments: done ? [...lines, 'done'] : lines,
  }));
const completion = fc.record({
  complete: fc.array(oid).map((list) => new Set(list)),
  tags: fc.array(oid),
  haves: fc.uniqueArray(oid, { maxLength: 5 }),
  format: fc.constant('sha1'),
  pack: fc.constant(emptyPack('sha1')),
});

test('a completed request asks for nothing that is here, and forgets nothing that is not', () => {
  fc.assert(
    fc.property(request, completion, (before, change) => {
      const after = completedRequest(before, change);
      const own = argumentValues(before, 'want');
      const wants = [...own, ...new Set(change.tags.filter((id) => !own.includes(id)))];
      expect(argumentValues(after, 'want')).toEqual(wants.filter((id) => !change.complete.has(id)));
      expect(after.capabilities).toEqual(before.capabilities);
      const others = (list: readonly string[]) => list.filter((a) => !/^(?:want|have) |^done$/.test(a));
      expect(others(after.arguments)).toEqual(others(before.arguments));
    }),
  );
});

test('it names each staged tip as a have, once, keeps git’s own, and done stays last', () => {
  fc.assert(
    fc.property(request, completion, (before, change) => {
      const after = completedRequest(before, change);
      const own = argumentValues(before, 'have');
      const all = argumentValues(after, 'have');
      expect(all.slice(0, own.length)).toEqual(own);
      expect(new Set(all)).toEqual(new Set([...own, ...change.haves]));
      for (const id of change.haves.filter((have) => !own.includes(have)))
        expect(all.filter((other) => other === id)).toHaveLength(1);
      expect(after.arguments.includes('done')).toBe(before.arguments.includes('done'));
      if (before.arguments.includes('done')) expect(after.arguments.at(-1)).toBe('done');
    }),
  );
});

test('git hears of its own haves only', () => {
  fc.assert(
    fc.property(request, oid, (before, id) => {
      const own = argumentValues(before, 'have').includes(id);
      expect(isForGit(linePacket(`ACK ${id}`), before)).toBe(own);
      expect(isForGit(linePacket(`ACK ${id} common`), before)).toBe(own);
      for (const other of ['NAK', 'ready', 'acknowledgments', 'packfile', `ACKN ${id}`])
        expect(isForGit(linePacket(other), before)).toBe(true);
    }),
  );
});

test('complete is a request all of whose wants are here, and that wants nothing by name', () => {
  fc.assert(
    fc.property(request, completion, (before, change) => {
      const left = argumentValues(completedRequest(before, change), 'want');
      expect(isComplete(before, change)).toBe(left.length === 0);
      const named = { ...before, arguments: [...before.arguments, 'want-ref refs/heads/main'] };
      expect(isComplete(named, change)).toBe(false);
    }),
  );
});

test('git takes the empty pack', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gam-'));
  try {
    execFileSync('git', ['init', '-q', '--bare', folder]);
    const out = execFileSync('git', ['-C', folder, 'index-pack', '--stdin'], { input: emptyPack('sha1') });
    expect(out.toString()).toContain(emptyPack('sha1').subarray(12).toString('hex'));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const large = emptyPack('sha256');
  expect(large.subarray(12)).toEqual(createHash('sha256').update(large.subarray(0, 12)).digest());
});

test('the answer to a request that is complete has the sections that git waits for', () => {
  const lines = (args: string[], stateless: boolean) =>
    packAnswer({ capabilities: [], arguments: args }, emptyPack('sha1'), stateless).map(
      (packet) => packetLine(packet)?.slice(0, 20) ?? packet.kind,
    );
  expect(lines(['done'], false)).toEqual(['packfile', expect.stringContaining('PACK'), 'flush']);
  expect(lines(['have x'], true)).toEqual([
    'acknowledgments',
    'ready',
    'delim',
    'packfile',
    expect.stringContaining('PACK'),
    'flush',
    'response-end',
  ]);
});

test('a pack that is longer than a packet comes whole, piece by piece', () => {
  const pack = Buffer.alloc(200_000, 'pack');
  const answer = packAnswer({ capabilities: [], arguments: ['done'] }, pack, false);
  const pieces = answer.flatMap((packet) =>
    packet.kind === 'data' && packet.payload[0] === 1 ? [packet.payload.subarray(1)] : [],
  );
  expect(Buffer.concat(pieces)).toEqual(pack);
});
