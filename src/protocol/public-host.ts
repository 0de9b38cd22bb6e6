import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net';

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

/** Names that mean something inside one network only (RFC 6761, 6762, 8375, 9476, and what companies use), and those of one word. */
const LOCAL = /^[^.]*$|(?:^|\.)(?:local|localhost|internal|intranet|private|corp|home|lan|home\.arpa)$/;

/** Names that DNS knows nothing of (RFC 6761, 7686, 9476). To ask for them would only tell others of them. */
const NOT_IN_DNS = /(?:^|\.)(?:test|example|example\.(?:com|net|org)|invalid|onion|alt)$/;

/** Whether a name, in lower case, may mean another host in each network. Names of one word mostly stand in ~/.ssh/config. */
export function isLocalName(name: string): boolean {
  return LOCAL.test(name);
}

/** Whether a name, in lower case, is one that means the same host everywhere. */
export function hasPublicName(name: string): boolean {
  return !isLocalName(name) && !NOT_IN_DNS.test(name);
}

/** Whether the host of a URL, a name or an address, is one for everybody. */
export function isPublicHost(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[|\]$|\.$/g, '');
  return isIP(bare) === 0 ? hasPublicName(bare) : isPublicAddress(bare);
}
