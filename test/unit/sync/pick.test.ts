import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { pickChanges } from '../../../src/sync/pick.ts';

const SIZE_LIMIT = 500 * 1024;
const DELAY_MS = 5000;
const NOW = 1_700_000_000_000;

let top: string;
beforeAll(() => {
  top = mkdtempSync(join(tmpdir(), 'gam-pick-'));
});
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** Makes a file that was last written so many milliseconds before now. */
function written(name: string | Buffer, age = 60_000): void {
  const file = Buffer.concat([Buffer.from(`${top}/`), Buffer.from(name)]);
  writeFileSync(file, 'text');
  utimesSync(file, (NOW - age) / 1000, (NOW - age) / 1000);
}

const pick = (...files: string[]) =>
  pickChanges({ files, nested: [] }, { top, delayMs: DELAY_MS, sizeLimit: SIZE_LIMIT, now: NOW });
const PICKED = { paths: [], growing: [], leftOut: [] };
const leftOut = (path: string, why: string) => ({ ...PICKED, leftOut: [{ path, why }] });

describe('pickChanges takes', () => {
  test('a file that is settled, whatever bytes its name has', () => {
    written('settled');
    written(Buffer.from('line\n\xff\xfe', 'latin1'));
    expect(pick('settled', 'line\n\xff\xfe')).toEqual({ ...PICKED, paths: ['settled', 'line\n\xff\xfe'] });
  });

  test('what is gone, so that it is taken out; also below what is a file now', () => {
    written('now-a-file');
    expect(pick('gone', 'no/folder', 'now-a-file/was-here').paths).toEqual([
      'gone',
      'no/folder',
      'now-a-file/was-here',
    ]);
  });

  test('a link, wherever it leads: to what is too large, to nowhere, to itself', () => {
    symlinkSync('/dev/zero', join(top, 'to-device'));
    symlinkSync('nowhere', join(top, 'to-nowhere'));
    symlinkSync('loop', join(top, 'loop'));
    expect(pick('to-device', 'to-nowhere', 'loop').paths).toEqual(['to-device', 'to-nowhere', 'loop']);
  });

  test('a folder that stands where a file was', () => {
    mkdirSync(join(top, 'folder'));
    expect(pick('folder').paths).toEqual(['folder']);
  });

  test('a file of the future, as where the clock was set back: nobody knows how long it is settled', () => {
    written('future', -3_600_000);
    expect(pick('future').paths).toEqual(['future']);
  });
});

describe('pickChanges leaves', () => {
  test('a file that is being written, for the next look', () => {
    written('young', DELAY_MS - 1);
    written('just', 0);
    written('old-enough', DELAY_MS);
    expect(pick('young', 'just', 'old-enough')).toEqual({
      paths: ['old-enough'],
      growing: ['young', 'just'],
      leftOut: [],
    });
  });

  test('a file that is too large, and says how large one may be, also below a MiB', () => {
    for (const [name, size] of [
      ['large', SIZE_LIMIT + 1],
      ['fits', SIZE_LIMIT],
    ] as const) {
      written(name);
      truncateSync(join(top, name), size);
      utimesSync(join(top, name), 1, 1);
    }
    expect(pick('large', 'fits')).toEqual({
      ...leftOut('large', 'is larger than 500.0 KiB'),
      paths: ['fits'],
    });
  });

  test('a FIFO and a socket, and does not wait for whoever would write', async () => {
    execFileSync('sh', ['-c', 'mkfifo "$1"', 'sh', join(top, 'fifo')]);
    expect(pick('fifo')).toEqual(leftOut('fifo', 'is neither a file nor a link'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(join(top, 'socket'), resolve));
    try {
      expect(pick('socket')).toEqual(leftOut('socket', 'is neither a file nor a link'));
    } finally {
      server.close();
    }
  });

  // Nothing keeps root from reading.
  test.skipIf(process.getuid?.() === 0)('a file that cannot be read', () => {
    written('secret');
    chmodSync(join(top, 'secret'), 0);
    expect(pick('secret')).toEqual(leftOut('secret', 'cannot be read'));
  });

  test('a repository within', () => {
    const options = { top, delayMs: DELAY_MS, sizeLimit: SIZE_LIMIT, now: NOW };
    expect(pickChanges({ files: [], nested: ['lib'] }, options)).toEqual(
      leftOut('lib', 'is a repository of its own'),
    );
  });
});
