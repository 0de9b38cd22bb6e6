import { constants } from 'node:os';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { joinLeadIn, parseEnded, parseSaid } from '../../../src/transport/lead-in.ts';

describe('parseSaid', () => {
  const line = fc.string().map((text) => text.replaceAll('\n', ' '));

  test('what was passed on, what was asked, and until when', () => {
    fc.assert(
      fc.property(fc.array(line), fc.option(line), fc.integer({ min: 1 }), (passed, asked, seconds) => {
        const lines = passed.map((one) => `passed ${one}\n`);
        const last = asked === null ? '' : `asked ${asked}\n`;
        const said = { passed, asked, at: 1000 * seconds, whole: true };
        expect(parseSaid(`${lines.join('')}${last}until ${seconds}\n`)).toEqual(said);
        expect(parseSaid(lines.join('') + last)).toEqual({ ...said, at: null, whole: false });
        expect(parseSaid(`${lines.join('')}${last}until \n`)).toEqual({ ...said, at: null });
      }),
    );
  });

  test('of anything, something', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(parseSaid(text).whole).toBe(/^until(?: |$)/m.test(text));
      }),
    );
  });
});

describe('parseEnded', () => {
  test('by a status', () => {
    fc.assert(
      fc.property(fc.nat(255), (status) => {
        expect(parseEnded(`${status} 0\n`)).toEqual({ status, signal: null });
      }),
    );
  });

  test('by a signal', () => {
    fc.assert(
      fc.property(fc.nat(255), fc.constantFrom('SIGTERM', 'SIGINT', 'SIGSEGV'), (status, signal) => {
        expect(parseEnded(`${status} ${constants.signals[signal]}\n`)).toEqual({ status: null, signal });
      }),
    );
  });

  test('whoever was to tell is gone, too', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^[0-9]+ [0-9]+\n$/.test(text));
        expect(parseEnded(text)).toEqual({ status: null, signal: 'SIGKILL' });
      }),
    );
  });
});

test.each([undefined, '', '3', '3,4,5,6', '3,4,5,6,x', '3,4,5,6,7,8'])('%j begins nothing', (handed) => {
  expect(joinLeadIn(handed, [])).toBeNull();
});
