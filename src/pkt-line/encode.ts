import { GamError } from '../errors.ts';
import { type ControlPacket, type DataPacket, HEADER_LENGTH, LONGEST_PACKET } from './packet.ts';

/** The flush packet. */
export const FLUSH: ControlPacket = { kind: 'flush', raw: Buffer.from('0000') };
/** The delimiter packet. */
export const DELIM: ControlPacket = { kind: 'delim', raw: Buffer.from('0001') };
/** The response-end packet. */
export const RESPONSE_END: ControlPacket = { kind: 'response-end', raw: Buffer.from('0002') };

/**
 * Wraps bytes, or text as UTF-8, in a data packet.
 * @throws GamError `bad-packet` when the payload is longer than a packet may hold
 */
export function dataPacket(content: Buffer | string): DataPacket {
  const length = HEADER_LENGTH + Buffer.byteLength(content);
  if (length > LONGEST_PACKET) throw new GamError('bad-packet', `a packet of ${length} bytes is too long`);
  const raw = Buffer.allocUnsafe(length);
  raw.write(length.toString(16).padStart(HEADER_LENGTH, '0'), 'latin1');
  if (typeof content === 'string') raw.write(content, HEADER_LENGTH);
  else content.copy(raw, HEADER_LENGTH);
  return { kind: 'data', payload: raw.subarray(HEADER_LENGTH), raw };
}

/** A data packet that holds one line; the LF is added, as git's packet_write_fmt callers do. */
export function linePacket(line: string): DataPacket {
  return dataPacket(`${line}\n`);
}
