import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { shortHash } from '../protocol/digest.ts';

/** Addresses that every machine has wherever it is: IPv6 link-local ones. */
const EVERYWHERE = /^fe80:/i;

function hextets(address: string): number[] {
  const [head = '', tail] = address.split('%', 1)[0]?.split('::') ?? [];
  const numbers = (text: string) =>
    text === '' ? [] : text.split(':').map((part) => Number.parseInt(part, 16));
  if (tail === undefined) return numbers(head);
  const [before, behind] = [numbers(head), numbers(tail)];
  return [...before, ...Array<number>(Math.max(8 - before.length - behind.length, 0)).fill(0), ...behind];
}

function networkOf({ address, netmask, family }: NetworkInterfaceInfo): string {
  const parts = (text: string) => (family === 'IPv4' ? text.split('.').map(Number) : hextets(text));
  const mask = parts(netmask);
  return parts(address)
    .map((part, index) => part & (mask[index] ?? 0))
    .join(family === 'IPv4' ? '.' : ':');
}

/**
 * Names the network that this machine is in, so that what is measured in the office does not count at home: a
 * short hash of the networks, not the addresses, of all interfaces but the loopback.
 */
export function networkId(interfaces: ReturnType<typeof networkInterfaces> = networkInterfaces()): string {
  const infos = Object.values(interfaces).flatMap((all) => all ?? []);
  const outward = infos.filter(({ internal, address }) => !internal && !EVERYWHERE.test(address));
  return shortHash([...new Set(outward.map(networkOf))].sort().join(' '));
}
