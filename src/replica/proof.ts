import { createHmac, timingSafeEqual } from 'node:crypto';

/** Hex digits of a proof: 160 bits. */
const LENGTH = 40;

/**
 * What only members of a group can say of a text: an HMAC (RFC 2104) with SHA-256 and the group's secret, as hex digits, so that
 * it can be part of a ref's name.
 *
 * @param purpose keeps a proof of one thing from being taken for one of another
 */
export function prove(secret: string, purpose: 'request' | 'answer' | 'wake', text: string): string {
  return createHmac('sha256', secret).update(`${purpose}\n${text}`).digest('hex').slice(0, LENGTH);
}

/** Whether two proofs are the same; how long it takes says nothing of where they differ. */
export function isProof(proof: string, expected: string): boolean {
  const [a, b] = [Buffer.from(proof), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
