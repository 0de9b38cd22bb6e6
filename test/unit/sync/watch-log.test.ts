import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WatchPlaces } from '../../../src/sync/places.ts';
import { type LogLine, parseWatchLog, readWatchLog, writeWatchLog } from '../../../src/sync/watch-log.ts';

const MEBI = 1024 ** 2;

let folder: string;
let places: WatchPlaces;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gam-log-'));
  const at = (name: string) => join(folder, name);
  places = {
    list: at('list'),
    folder,
    lock: at('lock'),
    status: at('status'),
    log: at('log'),
    formerLog: at('log.1'),
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const line = (words: string, at: string | null = '/notes'): LogLine => ({
  time: '2026-01-02T03:04:05.678Z',
  folder: at,
  words,
});
const lines = fc.array(
  fc.record({
    time: fc.constant('2026-01-02T03:04:05.678Z'),
    folder: fc.option(fc.string()),
    words: fc.oneof(fc.string({ unit: 'binary' }), fc.constant('{"time":"x","folder":null,"words":"y"}\n')),
  }),
);
const textOf = (written: readonly LogLine[]) => written.map((one) => `${JSON.stringify(one)}\n`).join('');

describe('parseWatchLog', () => {
  test('reads what was written', () => {
    fc.assert(
      fc.property(lines, (written) => {
        expect(parseWatchLog(textOf(written))).toEqual(written);
      }),
    );
  });

  test('passes over a line that was cut off, and nothing else, also where the next one goes on behind it', () => {
    fc.assert(
      fc.property(lines, fc.string(), fc.nat(), lines, (before, words, at, after) => {
        const whole = JSON.stringify(line(words));
        const text = textOf(before) + whole.slice(0, at % whole.length) + textOf(after);
        expect(parseWatchLog(text)).toEqual([...before, ...after]);
      }),
    );
  });

  test.each(['null', '[]', '7', '{}', '{"time":1,"folder":null,"words":"x"}', '{"time":"x","words":"y"}'])(
    'passes over what is no line of a log: %s',
    (text) => expect(parseWatchLog(`${text}\n${textOf([line('kept')])}`)).toEqual([line('kept')]),
  );
});

describe('the log', () => {
  test('gives back the latest lines, the oldest first', () => {
    for (const words of ['one', 'two', 'three']) writeWatchLog(places, line(words, null));
    expect(readWatchLog(places, 2)).toEqual([line('two', null), line('three', null)]);
    expect(readWatchLog(places, 30)).toHaveLength(3);
    // What others on this machine work on is none of their business.
    expect(statSync(places.log).mode & 0o777).toBe(0o600);
  });

  test('has nothing to say before anything was written', () => {
    expect(readWatchLog(places, 30)).toEqual([]);
  });

  test('begins anew when it has grown large, and the former one is read, too, where the new one is short', () => {
    const long = line('x'.repeat(1000));
    const old = textOf(Array.from({ length: MEBI / 1000 }, () => long));
    writeFileSync(places.log, old);
    writeFileSync(places.formerLog, textOf([line('older still')]));
    writeWatchLog(places, line('new'));
    expect(readFileSync(places.log, 'utf8')).toBe(textOf([line('new')]));
    expect(readFileSync(places.formerLog, 'utf8')).toBe(old);
    expect(readWatchLog(places, 2)).toEqual([long, line('new')]);
    writeWatchLog(places, line('newer'));
    expect(readWatchLog(places, 1)).toEqual([line('newer')]);
  });

  test('that cannot be written stops nobody', () => {
    mkdirSync(places.log);
    writeWatchLog(places, line('lost'));
    expect(readWatchLog(places, 1)).toEqual([]);
    rmSync(folder, { recursive: true });
    writeWatchLog(places, line('lost'));
    expect(existsSync(folder)).toBe(false);
  });
});
