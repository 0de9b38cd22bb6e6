import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { dataPacket, FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { bandPayload } from '../../../src/pkt-line/sideband.ts';
import { PushFilter, splitPushBatch } from '../../../src/remote-helper/push-filter.ts';

const ZERO = '0'.repeat(40);
const ONE = '1'.repeat(40);

function request(refs: readonly string[], capabilities: string): Buffer {
  const commands = refs.map((ref, index) =>
    dataPacket(`${ZERO} ${ONE} ${ref}${index === 0 ? `\0${capabilities}` : ''}`),
  );
  return Buffer.concat([...commands, FLUSH].map((packet) => packet.raw));
}

const advertisement = Buffer.concat([linePacket(`${ONE} refs/heads/main\0report-status`).raw, FLUSH.raw]);

describe('a push over the line of receive-pack', () => {
  test('loses the commands for refs/mirror/, and hears of them as done', () => {
    const filter = new PushFilter();
    filter.answer(advertisement);
    const sent = filter.request(
      Buffer.concat([
        request(['refs/mirror/x/heads/a', 'refs/heads/b'], ' report-status'),
        Buffer.from('PACK...'),
      ]),
    );
    expect(sent.toString()).toBe(
      `${dataPacket(`${ZERO} ${ONE} refs/heads/b\0 report-status`).raw.toString()}0000PACK...`,
    );
    const report = [linePacket('unpack ok'), linePacket('ok refs/heads/b'), FLUSH].map(
      (packet) => packet.raw,
    );
    const heard = filter.answer(Buffer.concat(report)).toString();
    expect(heard).toContain('ok refs/heads/b\n');
    expect(heard).toContain('ok refs/mirror/x/heads/a\n');
    expect(filter.ownReport()).toBeNull();
  });

  test('with nothing left to push makes the report itself, in its band where there is one', () => {
    const filter = new PushFilter();
    filter.request(request(['refs/mirror/x/heads/a'], ' report-status side-band-64k'));
    const report = Buffer.concat(
      [linePacket('unpack ok'), linePacket('ok refs/mirror/x/heads/a'), FLUSH].map((packet) => packet.raw),
    );
    expect(filter.ownReport()).toEqual(Buffer.concat([dataPacket(bandPayload(1, report)).raw, FLUSH.raw]));
  });

  test('is the same bytes, however they are cut, when nothing has to stay', () => {
    const refs = fc.uniqueArray(fc.stringMatching(/^refs\/(?:heads|tags)\/[a-z]{1,8}$/), { minLength: 1 });
    fc.assert(
      fc.property(refs, fc.uint8Array(), fc.integer({ min: 1, max: 40 }), (names, pack, size) => {
        const filter = new PushFilter();
        const whole = Buffer.concat([request(names, ' report-status'), pack]);
        const pieces: Buffer[] = [];
        for (let at = 0; at < whole.length; at += size)
          pieces.push(filter.request(whole.subarray(at, at + size)));
        expect(Buffer.concat(pieces)).toEqual(whole);
      }),
    );
  });
});

test('a push batch is split by its destinations', () => {
  expect(
    splitPushBatch(['push +refs/heads/a:refs/heads/a', 'push :refs/mirror/x', 'push a:refs/mirrors/x']),
  ).toEqual({
    lines: ['push +refs/heads/a:refs/heads/a', 'push a:refs/mirrors/x'],
    kept: ['refs/mirror/x'],
  });
});
