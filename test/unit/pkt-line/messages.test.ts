import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { dataPacket, FLUSH } from '../../../src/pkt-line/encode.ts';
import { messages } from '../../../src/pkt-line/messages.ts';
import type { Packet } from '../../../src/pkt-line/packet.ts';

const contents = fc.array(fc.string({ maxLength: 20 }), { maxLength: 5 });
const textsOf = (packets: readonly Packet[]) =>
  packets.map((packet) => (packet.kind === 'data' ? packet.payload.toString() : packet.kind));

test('a stream is cut at its flushes, however it comes, and what is broken off is told apart', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(contents, { maxLength: 4 }),
      contents,
      fc.integer({ min: 1, max: 30 }),
      async (whole, rest, size) => {
        const packetsOf = (texts: string[]) => texts.map((text) => dataPacket(text).raw);
        const bytes = Buffer.concat([
          ...whole.flatMap((texts) => [...packetsOf(texts), FLUSH.raw]),
          ...packetsOf(rest),
        ]);
        async function* chunks() {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        }
        const read = messages(chunks());
        const seen: string[][] = [];
        let next = await read.next();
        for (; next.done !== true; next = await read.next()) seen.push(textsOf(next.value));
        expect(seen).toEqual(whole);
        expect(textsOf(next.value)).toEqual(rest);
      },
    ),
  );
});
