import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, test } from 'vitest';
import { networkId } from '../../../src/state/network.ts';

function at(address: string, netmask: string, internal = false): NetworkInterfaceInfo {
  const common = { address, netmask, internal, mac: '00:00:00:00:00:00', cidr: null };
  return address.includes(':') ? { ...common, family: 'IPv6', scopeid: 0 } : { ...common, family: 'IPv4' };
}

const OFFICE = at('10.1.2.3', '255.255.0.0');

describe('networkId', () => {
  test('is the same wherever in a network the machine is, and under whatever name', () => {
    const there = at('10.1.99.7', '255.255.0.0');
    expect(networkId({ eth0: [OFFICE] })).toBe(networkId({ wlan3: [there] }));
    const six = (end: string) => at(`2001:db8:1:2:${end}`, 'ffff:ffff:ffff:ffff::');
    expect(networkId({ eth0: [six('aaaa:bbbb:cccc:dddd')] })).toBe(networkId({ eth0: [six('1:2:3:4')] }));
    expect(networkId({ eth0: [at('2001:db8::7', 'ffff:ffff::')] })).toBe(
      networkId({ eth0: [at('2001:db8:0:9::', 'ffff:ffff::')] }),
    );
  });

  test('tells networks apart, in whatever order their interfaces stand', () => {
    const home = at('192.168.1.5', '255.255.255.0');
    expect(networkId({ a: [OFFICE] })).not.toBe(networkId({ a: [home] }));
    expect(networkId({ a: [OFFICE] })).not.toBe(networkId({ a: [OFFICE, home] }));
    expect(networkId({ a: [OFFICE], b: [home] })).toBe(networkId({ b: [OFFICE], a: [home] }));
    const bits = ['10.1.128.1', '10.1.127.1'].map((address) =>
      networkId({ a: [at(address, '255.255.128.0')] }),
    );
    expect(bits[0]).not.toBe(bits[1]);
  });

  test('does not count the loopback, nor what every machine has', () => {
    const always = [at('127.0.0.1', '255.0.0.0', true), at('fe80::1', 'ffff:ffff:ffff:ffff::')];
    expect(networkId({ lo: always, eth0: [OFFICE] })).toBe(networkId({ eth0: [OFFICE] }));
    expect(networkId({})).toMatch(/^[0-9a-f]{8}$/);
  });
});
