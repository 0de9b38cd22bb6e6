import { describe, expect, test } from 'vitest';
import { dataPacket } from '../../../src/pkt-line/encode.ts';
import { AnswerEnd } from '../../../src/server/answer-end.ts';

const packet = (text: string) => dataPacket(text).raw.toString('latin1');

function tells(...chunks: readonly string[]): boolean {
  const end = new AnswerEnd();
  for (const chunk of chunks) end.add(Buffer.from(chunk, 'latin1'));
  return end.tellsError();
}

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
});
