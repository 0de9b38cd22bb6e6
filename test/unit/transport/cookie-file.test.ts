import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { hasCookieFor } from '../../../src/transport/cookie-file.ts';

const NOW = Date.UTC(2026, 0, 1);
const URL_ = 'https://git.example.com/group/r.git';

test.each([
  ['git.example.com\tFALSE\t/\tTRUE\t0\tn\tv', true],
  ['Git.Example.com\tFALSE\t/\tFALSE\t0\tn\tv', true],
  ['#HttpOnly_git.example.com\tFALSE\t/\tFALSE\t0\tn\tv', true],
  ['.example.com\tTRUE\t/\tFALSE\t0\tn\tv', true],
  ['example.com\tTRUE\t/group\tFALSE\t0\tn\tv', true],
  ['git.example.com\tFALSE\t/\tFALSE\t4102444800\tn\tv', true],
  ['Set-Cookie: n=v', true],
  ['example.com\tFALSE\t/\tFALSE\t0\tn\tv', false],
  ['it.example.com\tTRUE\t/\tFALSE\t0\tn\tv', false],
  ['git.example.com\tFALSE\t/gro\tFALSE\t0\tn\tv', false],
  ['git.example.com\tFALSE\t/\tFALSE\t1000000000\tn\tv', false],
  ['# git.example.com\tFALSE\t/\tFALSE\t0\tn\tv', false],
  ['git.example.com\tFALSE\t/\tFALSE\t0\tn', false],
])('%j', (line, has) => {
  expect(hasCookieFor(`# Netscape HTTP Cookie File\n${line}\n`, URL_, NOW)).toBe(has);
});

test('one for https only does not go over http', () => {
  const line = 'git.example.com\tFALSE\t/\tTRUE\t0\tn\tv';
  expect(hasCookieFor(line, 'http://git.example.com/r.git', NOW)).toBe(false);
});

test('any file is read, and none but the host’s own counts', () => {
  const field = fc.stringMatching(/^[\w. /#-]{0,12}$/);
  fc.assert(
    fc.property(fc.array(fc.array(field, { maxLength: 8 })), (rows) => {
      const text = rows.map((row) => ['other.example.org', ...row].join('\t')).join('\n');
      expect(hasCookieFor(text, URL_, NOW)).toBe(false);
    }),
  );
});
