import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isPublicAddress } from '../../../src/protocol/public-address.ts';

describe('isPublicAddress', () => {
  test.each([
    '8.8.8.8',
    '193.0.6.139',
    '100.63.255.255',
    '100.128.0.0',
    '172.32.0.1',
    '2001:67c:2e8::1',
    '2a01:4f8::1',
  ])('holds %s for public', (address) => expect(isPublicAddress(address)).toBe(true));

  test.each(
    '0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.168.1.1 198.18.0.1 203.0.113.9 224.0.0.1 255.255.255.255 :: ::1 ::ffff:8.8.8.8 ::ffff:10.0.0.1 fe80::1 fe80::1%eth0 fc00::1 fd12:3456::1 ff02::1 2001::1 2001:db8::1 2002:808:808::1 64:ff9b::808:808'.split(
      ' ',
    ),
  )('holds %s for none that is at one place', (address) => expect(isPublicAddress(address)).toBe(false));

  test('holds no other text for an address', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        if (!/^[0-9.]+$|:/.test(text)) expect(isPublicAddress(text)).toBe(false);
      }),
    );
  });
});
