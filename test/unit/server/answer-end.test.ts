import { describe, expect, test } from 'vitest';
import { dataPacket } from '../../../src/pkt-line/encode.ts';
import { AnswerEnd } from '../../../src/server/answer-end.ts';

const packet = (text: string) => dataPacket(text).raw.toString('latin1');

function endOf(chunks: readonly string[]): AnswerEnd {
  const end = new AnswerEnd();
  for (const chunk of chunks) end.add(Buffer.from(chunk, 'latin1'));
  return end;
}

const tells = (...chunks: readonly string[]) => endOf(chunks).tellsError();

describe('the end of an answer', () => {
  test.each([
    ['ERR alone', [packet('ERR upload-pack: not our ref')]],
    ['ERR behind others, in pieces', [packet('NAK\n'), '001', 'aERR access denied, sir']],
    [
      'band 3 behind data',
      ['x'.repeat(9000), packet('\u0003aborting due to possible repository corruption')],
    ],
  ])('tells of an error: %s', (_, chunks) => expect(tells(...chunks)).toBe(true));

  test.each([
    ['nothing', []],
    ['a flush packet', [packet('packfile\n'), '0000']],
    ['data', [packet('\u0001PACKxxxx')]],
    ['an ERR that is not the last', [packet('ERR x'), packet('\u0001PACK')]],
    ['an ERR of which the end is missing', [packet('ERR not our ref').slice(0, -3)]],
  ])('does not: %s', (_, chunks) => expect(tells(...chunks)).toBe(false));

  test.each([
    ['shallow commits', ['0035shallow 3441a99d8d9780f46e291dc4c8da391df825a2d6\n', '0000'], true],
    ['in pieces', [packet('packfile\n'), 'x'.repeat(9000), '00', '00'], true],
    ['a flush that is not the last', ['0000', packet('NAK\n')], false],
    ['half of one', [packet('NAK\n'), '000'], false],
    ['nothing', [], false],
  ])('has a flush, or not: %s', (_, chunks, is) => expect(endOf(chunks).isFlushed()).toBe(is));
});
