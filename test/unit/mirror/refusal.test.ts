import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { judgeMirrorUrl } from '../../../src/mirror/refusal.ts';

describe('judgeMirrorUrl', () => {
  test.each([
    'https://m.example/r',
    'http://m.example:8080/r.git',
    'ssh://git@m.example:22/r',
    'git@m.example:r',
    'git://m.example/r',
    'file:///srv/r',
    '/srv/r',
    './r',
    'https://[2001:db8::1]/r',
    'https://m.example/%20r',
  ])('takes %s', (url) => {
    expect(judgeMirrorUrl(url).refusal).toBeNull();
  });

  test.each([
    'ext::sh -c touch% x',
    'fd::3',
    'mirror::mirror::https://x',
    '--upload-pack=touch x',
    '-oProxyCommand=x:repo',
    'ssh://-oProxyCommand=x/r',
    'https://user:hunter2@host/r',
    'https://user@host/r',
    'ssh://me:hunter2@host/r',
    'https://h%0ahost=github.com/r',
    'https://h/\r',
    'https://h/\n',
    'https://h/\0',
    'https://h/\u001b[1m',
    'https://h/\u202egnp',
    'https:///h',
    'http://',
    'https://h:99999/',
    'https://h:x/',
    'https://h:-1/',
    'https://github.com@evil/',
    'gopher://h/r',
    'ftp://h/r',
    'http://h"x/',
    'http://h`x`/',
    '',
  ])('refuses %j and says why in one line', (url) => {
    const { refusal } = judgeMirrorUrl(url);
    expect(refusal).toMatch(/^[^\n\u001b]+$/);
    expect(refusal).not.toMatch(/hunter2/);
  });

  test('never throws, whatever comes over the network', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.webUrl(),
          fc.string().map((text) => `ssh://${text}`),
        ),
        (url) => {
          const { parsed, refusal } = judgeMirrorUrl(url);
          expect((parsed === null) !== (refusal === null)).toBe(true);
        },
      ),
    );
  });
});
