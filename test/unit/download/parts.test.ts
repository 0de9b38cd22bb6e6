import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJournal } from '../../../src/download/journal.ts';
import { shareOf, type Work } from '../../../src/download/share.ts';
import { type Span, Spans } from '../../../src/download/spans.ts';
import { isExempt } from '../../../src/transport/proxy.ts';

const SIZE = 60;
const span = fc
  .tuple(fc.nat(SIZE), fc.nat(SIZE))
  .map(([a, b]): Span => ({ from: Math.min(a, b), to: Math.max(a, b) }));

describe('spans', () => {
  test('are the bytes that were added, and gaps are the others', () => {
    fc.assert(
      fc.property(fc.array(span), (added) => {
        const spans = new Spans(added);
        const here = Array.from({ length: SIZE }, (_, at) =>
          added.some(({ from, to }) => from <= at && at < to),
        );
        const missing = spans.gaps(SIZE);
        expect(here.map((is) => !is)).toEqual(
          here.map((_, at) => missing.some(({ from, to }) => from <= at && at < to)),
        );
        expect(spans.bytes).toBe(here.filter(Boolean).length);
        for (const [index, { from, to }] of [...spans].entries()) {
          expect(from).toBeLessThan(to);
          expect([...spans][index + 1]?.from ?? Infinity).toBeGreaterThan(to);
        }
      }),
    );
  });
});

describe('a share', () => {
  const MIB = 1024 ** 2;
  const work = fc
    .record({
      at: fc.nat(1000 * MIB),
      left: fc.nat(1000 * MIB),
      rate: fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
    })
    .map(({ at, left, rate }): Work => ({ at, to: at + left, rate }));
  const rate = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }));

  test('is the end of something under way, and leaves no byte to nobody', () => {
    fc.assert(
      fc.property(fc.array(work), rate, (busy, own) => {
        const share = shareOf(busy, own);
        if (share === null) return;
        expect(busy).toContain(share.of);
        expect(share.take.to).toBe(share.of.to);
        expect(share.take.from).toBeGreaterThanOrEqual(share.of.at);
        expect(share.take.from).toBeLessThan(share.take.to);
      }),
    );
  });

  test('of one that is as fast is half; of one that hardly goes on, all', () => {
    const one: Work = { at: 10 * MIB, to: 30 * MIB, rate: 1e6 };
    expect(shareOf([one], 1e6)?.take).toEqual({ from: 20 * MIB, to: 30 * MIB });
    expect(shareOf([{ ...one, rate: null }], null)?.take).toEqual({ from: 20 * MIB, to: 30 * MIB });
    expect(shareOf([{ ...one, rate: 10 }], 1e6)?.take).toEqual({ from: 10 * MIB, to: 30 * MIB });
  });

  test('is not taken where little is left, nor by a slow one from a fast one', () => {
    expect(shareOf([{ at: 0, to: MIB, rate: 1e6 }], 1e6)).toBeNull();
    expect(shareOf([{ at: 0, to: 20 * MIB, rate: 1e9 }], 1e3)).toBeNull();
    expect(shareOf([], null)).toBeNull();
  });
});

describe('a journal', () => {
  test('that was cut off anywhere tells no more than was there', () => {
    fc.assert(
      fc.property(fc.array(span.filter(({ from, to }) => from < to)), fc.nat(400), (spans, cut) => {
        const lines = [`size ${SIZE}`, ...spans.map(({ from, to }) => `done ${from} ${to}`)];
        const text = `${lines.join('\n')}\n`.slice(0, cut);
        const whole = new Spans(spans);
        const read = parseJournal(text);
        if (read === null) return;
        expect(read.size).toBe(SIZE);
        expect(new Spans([...whole, ...read.done]).bytes).toBe(whole.bytes);
        if (cut >= lines.join('\n').length + 1) expect(read.done.bytes).toBe(whole.bytes);
      }),
    );
  });

  test('of any text is none, or lies within its size', () => {
    const line = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(99), fc.integer({ max: 99 })).map(([a, b]) => `done ${a} ${b}`),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const read = parseJournal(`size ${SIZE}\n${lines.join('\n')}\n`);
        for (const { from, to } of read?.done ?? [])
          expect([from >= 0, from < to, to <= SIZE]).toEqual([true, true, true]);
      }),
    );
    for (const bad of ['', 'size 10', 'size 0\n', 'size x\n', 'size 9999999999999999\n'])
      expect(parseJournal(bad)).toBeNull();
  });
});

test.each<[string, string, boolean]>([
  ['h.example', 'other,h.example', true],
  ['a.h.example', '.h.example', true],
  ['a.h.example', 'h.example', true],
  ['evilh.example', 'h.example', false],
  ['h.example', '', false],
  ['h.example', '*', true],
  ['[::1]', '::1', true],
])('a proxy is not for %s with no_proxy=%s: %s', (host, list, exempt) => {
  expect(isExempt(host, list)).toBe(exempt);
});
