import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDuration, parseSize } from '../../../src/config/quantity.ts';

describe('parseDuration', () => {
  test('reads milliseconds, seconds and minutes, and takes a bare number for seconds', () => {
    fc.assert(
      fc.property(fc.nat(), (count) => {
        expect(parseDuration(`${count}ms`)).toBe(count);
        expect(parseDuration(`${count}s`)).toBe(count * 1000);
        expect(parseDuration(` ${count} M `)).toBe(count * 60_000);
        expect(parseDuration(`${count}`)).toBe(count * 1000);
      }),
    );
    expect(parseDuration('1.5s')).toBe(1500);
  });

  test('never makes a number of anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const value = parseDuration(text);
        if (value !== undefined) expect(text.trim()).toMatch(/^[0-9.]+\s*(?:ms|s|m)?$/i);
      }),
    );
    for (const text of ['', 's', '-1s', '1h', '1e3', 'Infinity', '1.s', '0x10'])
      expect(parseDuration(text)).toBeUndefined();
  });
});

describe('parseSize', () => {
  test('reads the suffixes of git', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), (count) => {
        expect(parseSize(`${count}`)).toBe(count);
        expect(parseSize(`${count}k`)).toBe(count * 1024);
        expect(parseSize(`${count}M`)).toBe(count * 1024 ** 2);
        expect(parseSize(`${count}g`)).toBe(count * 1024 ** 3);
      }),
    );
    for (const text of ['', 'k', '-1', '1.5k', '1t', '1kb']) expect(parseSize(text)).toBeUndefined();
  });
});
