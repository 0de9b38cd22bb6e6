/** The bands of gitprotocol-pack(5), "side-band": pack data, progress for the user, a fatal error. */
export const BAND = { data: 1, progress: 2, error: 3 } as const;

/** Prefixes bytes with their band, ready for a data packet. */
export function bandPayload(band: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.of(band), content]);
}
