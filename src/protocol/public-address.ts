import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Addresses that are at many places at once, or nowhere (IANA, IPv4 Special-Purpose Address Registry). */
const NOT_PUBLIC = new BlockList();
for (const range of [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]) {
  const [network = '', bits] = range.split('/');
  NOT_PUBLIC.addSubnet(network, Number(bits), 'ipv4');
}

/** Of IPv6, all that is given out for use between networks (RFC 4291), but for tunnels and documentation. */
const GLOBAL = new BlockList();
GLOBAL.addSubnet('2000::', 3, 'ipv6');
const NOT_GLOBAL = new BlockList();
NOT_GLOBAL.addSubnet('2001::', 23, 'ipv6');
NOT_GLOBAL.addSubnet('2001:db8::', 32, 'ipv6');
NOT_GLOBAL.addSubnet('2002::', 16, 'ipv6');
NOT_GLOBAL.addSubnet('3fff::', 20, 'ipv6');

/** Whether an address belongs to one place on the public internet; of anything that is no address, it does not. */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return !NOT_PUBLIC.check(address, 'ipv4');
  return isIPv6(address) && GLOBAL.check(address, 'ipv6') && !NOT_GLOBAL.check(address, 'ipv6');
}
