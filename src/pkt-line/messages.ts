import { PacketDecoder } from './decoder.ts';
import type { Packet } from './packet.ts';

/**
 * Cuts a stream into messages: the data packets up to a flush or another packet without content.
 *
 * @returns behind the last message, what has come of one that was broken off
 * @throws GamError `bad-packet`
 */
export async function* messages(input: AsyncIterable<Buffer>): AsyncGenerator<Packet[], Packet[]> {
  const decoder = new PacketDecoder();
  let message: Packet[] = [];
  for await (const chunk of input)
    for (const packet of decoder.push(chunk)) {
      if (packet.kind === 'data') message.push(packet);
      else {
        yield message;
        message = [];
      }
    }
  return message;
}
