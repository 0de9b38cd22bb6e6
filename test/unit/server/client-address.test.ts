import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clientBehind, parseTrustedProxies } from '../../../src/server/client-address.ts';

describe('proxies that are trusted', () => {
  test.each([
    ['10.0.0.7', '10.0.0.7', '10.0.0.8'],
    ['10.0.0.0/8', '10.255.0.1', '11.0.0.1'],
    ['fd00::/8', 'fd12::1', 'fe80::1'],
    ['::1', '::1', '::2'],
    ['::ffff:10.0.0.7', '10.0.0.7', '10.0.0.8'],
    ['::ffff:10.0.0.0/104', '10.1.2.3', '11.0.0.1'],
    ['0.0.0.0/0', '192.0.2.1', '2001:db8::1'],
  ])('%s', (text, inside, outside) => {
    const isTrusted = parseTrustedProxies([text]);
    expect([isTrusted(inside), isTrusted(outside)]).toEqual([true, false]);
  });

  test.each([
    '',
    'localhost',
    '10.0.0.0/33',
    '10.0.0.0/',
    'fd00::/129',
    '::ffff:10.0.0.0/8',
    'fe80::1%eth0',
    '1.2.3',
  ])('%j is none', (text) =>
    expect(() => parseTrustedProxies(['10.0.0.7', text])).toThrow(/--trusted-proxy .*no address/),
  );

  test('nobody is, where none is named', () => {
    expect(parseTrustedProxies([])('127.0.0.1')).toBe(false);
  });
});

describe('the client behind them', () => {
  const isTrusted = parseTrustedProxies(['127.0.0.1', '10.0.0.0/8']);
  test.each([
    ['192.0.2.9', '8.8.8.8', '192.0.2.9'],
    ['127.0.0.1', '', '127.0.0.1'],
    ['127.0.0.1', '8.8.8.8', '8.8.8.8'],
    ['127.0.0.1', '1.1.1.1, 8.8.8.8', '8.8.8.8'],
    ['127.0.0.1', '1.1.1.1,8.8.8.8 ,\t10.1.2.3', '8.8.8.8'],
    ['::ffff:127.0.0.1', '::ffff:8.8.8.8', '8.8.8.8'],
    ['127.0.0.1', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['127.0.0.1', '8.8.8.8, unknown, 10.0.0.1', '10.0.0.1'],
    ['127.0.0.1', '8.8.8.8:4711', '8.8.8.8'],
    ['127.0.0.1', '[2001:4860::1]:4711', '2001:4860::1'],
    ['127.0.0.1', '2001:4860::1', '2001:4860::1'],
    ['', '8.8.8.8', null],
  ])('%s with %j is %s', (peer, header, client) => {
    expect(clientBehind(peer, header, isTrusted)).toBe(client);
  });

  test('whatever a client sends, it is never taken for somebody else', () => {
    const word = fc.oneof(fc.ipV4(), fc.ipV6(), fc.string(), fc.constant('10.1.1.1'));
    fc.assert(
      fc.property(fc.array(word), fc.nat({ max: 3 }), (made, hops) => {
        const honest = ['203.0.113.5', ...Array.from({ length: hops }, (_, hop) => `10.0.0.${hop}`)];
        const header = [...made, ...honest].join(', ');
        expect(clientBehind('127.0.0.1', header, isTrusted)).toBe('203.0.113.5');
      }),
    );
  });
});
