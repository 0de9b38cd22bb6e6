import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hookProof } from '../../../src/server/member-hook.ts';

const hex = fc.stringMatching(/^[0-9a-f]{64}$/);

describe('the proof of a call', () => {
  test('is what GitHub, Gitea and GitLab send', () => {
    fc.assert(
      fc.property(hex, (value) => {
        expect(hookProof({ 'x-hub-signature-256': `sha256=${value}` })).toEqual({ kind: 'hmac', value });
        expect(hookProof({ 'x-gitea-signature': value.toUpperCase() })).toEqual({ kind: 'hmac', value });
      }),
    );
    expect(hookProof({ 'x-gitlab-token': 'a b' })).toEqual({ kind: 'token', value: 'a b' });
  });

  test('is none for anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(!/^(?:sha256=)?[0-9a-f]{64}$/i.test(text));
        expect(hookProof({ 'x-hub-signature-256': text, 'x-gitea-signature': text })).toBeNull();
      }),
    );
    expect(hookProof({})).toBeNull();
    expect(hookProof({ 'x-gitlab-token': '' })).toBeNull();
    // SHA-1 is what GitHub advises against.
    expect(hookProof({ 'x-hub-signature': `sha1=${'a'.repeat(40)}` })).toBeNull();
  });
});
