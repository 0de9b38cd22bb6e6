import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { isProof, prove } from '../../../src/replica/proof.ts';

test('a proof is of one text, one purpose and one secret', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (secret, text, other) => {
      const proof = prove(secret, 'request', text);
      expect(proof).toMatch(/^[0-9a-f]{40}$/);
      expect(isProof(proof, prove(secret, 'request', text))).toBe(true);
      fc.pre(other !== text && other !== secret);
      for (const wrong of [
        prove(secret, 'request', other),
        prove(secret, 'answer', text),
        proof.slice(1),
        '',
        `${proof}0`,
      ])
        expect(isProof(proof, wrong)).toBe(false);
      // HMAC takes a key as if zeros stood behind it (RFC 2104).
      fc.pre(!/^\0*$/.test(secret + other) && secret.replace(/\0+$/, '') !== other.replace(/\0+$/, ''));
      expect(isProof(proof, prove(other, 'request', text))).toBe(false);
    }),
  );
});
