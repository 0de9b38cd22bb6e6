/** The four hex digits of the length count themselves (gitprotocol-common(5), "pkt-line Format"). */
export const HEADER_LENGTH = 4;

/** The longest packet, header included: LARGE_PACKET_MAX of git's pkt-line.h. */
export const LONGEST_PACKET = 65_520;

/** A packet with a payload; `raw` is the same with its header, as it came over the wire. */
export interface DataPacket {
  kind: 'data';
  payload: Buffer;
  raw: Buffer;
}

/** `0000` ends a message, `0001` separates its sections, `0002` ends an answer over a stateless line. */
export interface ControlPacket {
  kind: 'flush' | 'delim' | 'response-end';
  raw: Buffer;
}

/** One packet of git's wire format (gitprotocol-v2(5), "Packet-Line Framing"). */
export type Packet = DataPacket | ControlPacket;

/** A data packet's payload as a line, without the LF that may end it; null for any other packet. */
export function packetLine(packet: Packet): string | null {
  if (packet.kind !== 'data') return null;
  const text = packet.payload.toString();
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}
