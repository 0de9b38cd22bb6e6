import { describe, expect, test } from 'vitest';
import { parseListenAddress, serverUrl } from '../../../src/server/listen-address.ts';

describe('where to listen', () => {
  test.each([
    ['127.0.0.1:8080', '127.0.0.1', 8080, 'http://127.0.0.1:8080/'],
    ['0.0.0.0:0', '0.0.0.0', 0, 'http://0.0.0.0:0/'],
    ['git.lan', 'git.lan', 9419, 'http://git.lan:9419/'],
    [':80', '127.0.0.1', 80, 'http://127.0.0.1:80/'],
    ['80', '127.0.0.1', 80, 'http://127.0.0.1:80/'],
    ['[::1]:65535', '::1', 65_535, 'http://[::1]:65535/'],
    ['[::]', '::', 9419, 'http://[::]:9419/'],
  ])('%s', (text, host, port, url) => {
    expect(parseListenAddress(text)).toEqual({ host, port });
    expect(serverUrl('http', { host, port })).toBe(url);
  });

  test.each([
    '',
    ':',
    '::1',
    '::1:80',
    'a:b',
    '1.2.3.4:',
    '1.2.3.4:65536',
    '[::1',
    'a b:1',
    'http://x:1',
    'x/y',
  ])('%j is none', (text) =>
    expect(() => parseListenAddress(text)).toThrow(expect.objectContaining({ code: 'usage' })),
  );
});
