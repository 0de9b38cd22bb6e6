import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { publicAddresses } from '../../../src/geo/host-addresses.ts';

// A DNS server on loopback: it answers for the names that it has an address for, and is silent otherwise.

let server: Socket;
let servers: string[];
let asked: string[];
let known: Record<string, [type: number, address: Buffer]>;

const [A, AAAA] = [1, 28];

/** The name and the type that a query of one question asks for (RFC 1035, 4.1). */
function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function answer(query: Buffer): Buffer | null {
  const { name, type, end } = question(query);
  asked.push(name);
  const [has, address] = known[name] ?? [];
  if (address === undefined) return null;
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(has === type ? 1 : 0, 6);
  head.fill(0, 8, 12);
  if (has !== type) return head;
  const record = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length]);
  return Buffer.concat([head, record, address]);
}

beforeEach(async () => {
  asked = [];
  known = {};
  server = createSocket('udp4');
  server.on('message', (query, { port, address }) => {
    const reply = answer(query);
    if (reply !== null) server.send(reply, port, address);
  });
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  servers = [`127.0.0.1:${server.address().port}`];
});
afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())));

// Whoever is not stopped asks ten times, for IPv4 and for IPv6.
function expectGivenUp(): void {
  expect(asked.filter((name) => name === 'silent.mirror.org').length).toBeLessThan(15);
}

describe('publicAddresses', () => {
  test('asks DNS for names, by IPv4 and IPv6', async () => {
    known = {
      'four.mirror.org': [A, Buffer.from([193, 0, 6, 139])],
      'six.mirror.org': [AAAA, Buffer.from('200106 7c02e80022 0000 0000c100068b'.replaceAll(' ', ''), 'hex')],
      'inside.mirror.org': [A, Buffer.from([10, 0, 0, 1])],
    };
    const found = await publicAddresses(Object.keys(known), { timeout: 60_000, servers });
    expect(Object.fromEntries(found)).toEqual({
      'four.mirror.org': ['193.0.6.139'],
      'six.mirror.org': ['2001:67c:2e8:22::c100:68b'],
      'inside.mirror.org': [],
    });
  });

  test('tells nobody of addresses, and of names that are not for DNS', async () => {
    const hosts = '193.0.6.139 ::1 10.0.0.1 localhost build a.local cache.lan r.example m.invalid x.onion';
    const found = await publicAddresses(hosts.split(' '), { timeout: 60_000, servers });
    expect(found.get('193.0.6.139')).toEqual(['193.0.6.139']);
    for (const host of hosts.split(' ').slice(1)) expect(found.get(host), host).toEqual([]);
    expect(asked).toEqual([]);
  });

  test('leaves out who DNS is silent about, and is through when time is over, the others being found', async () => {
    known = { 'four.mirror.org': [A, Buffer.from([193, 0, 6, 139])] };
    const hosts = ['silent.mirror.org', 'four.mirror.org', 'no.mirror.org'];
    const found = await publicAddresses(hosts, { timeout: 1500, servers });
    expect([...found.keys()]).toEqual(['four.mirror.org']);
    expect(asked).toContain('silent.mirror.org');
    expectGivenUp();
  });

  test('ends with its signal', async () => {
    const stop = new AbortController();
    server.once('message', () => stop.abort());
    const found = await publicAddresses(['silent.mirror.org'], {
      timeout: 3_600_000,
      signal: stop.signal,
      servers,
    });
    expect(found.size).toBe(0);
    expectGivenUp();
  });
});
