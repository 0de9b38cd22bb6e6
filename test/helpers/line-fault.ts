/** What goes wrong on a line; offsets count the bytes of one connection towards the client. */
export type Fault =
  /** Connection refused: nothing listens. Only for a whole line, from its start. */
  | { kind: 'refuse' }
  /** A RST, at once or after so many bytes. */
  | { kind: 'reset'; after?: number }
  /** Silence on an open connection, at once or after so many bytes. */
  | { kind: 'stall'; after?: number }
  /** An orderly end, as if the server were done. */
  | { kind: 'cut'; after: number }
  /** One byte every so many milliseconds. */
  | { kind: 'drip'; every: number }
  /** The byte at this offset has all its bits turned. */
  | { kind: 'corrupt'; at: number };

/** What becomes of bytes on a faulty line: some go on, and then perhaps something happens. */
export interface Passed {
  bytes: Buffer;
  event: 'reset' | 'stall' | 'cut' | null;
}

/** Applies a fault to the bytes at `offset` of a connection. */
export function applyFault(fault: Fault | null, bytes: Buffer, offset: number): Passed {
  const whole: Passed = { bytes, event: null };
  if (fault === null || fault.kind === 'refuse' || fault.kind === 'drip') return whole;
  if (fault.kind === 'corrupt') {
    const index = fault.at - offset;
    if (index < 0 || index >= bytes.length) return whole;
    const spoiled = Buffer.from(bytes);
    spoiled[index] = ~(bytes[index] ?? 0) & 0xff;
    return { bytes: spoiled, event: null };
  }
  const left = (fault.after ?? 0) - offset;
  return bytes.length < left ? whole : { bytes: bytes.subarray(0, Math.max(0, left)), event: fault.kind };
}
