import { expect, test } from 'vitest';
import { type ListSettings, readMirrorList } from '../../../src/config/mirror-list.ts';
import { lookAt, sshAddress } from '../../../src/server/client.ts';

const GEOIP: ListSettings = { ...readMirrorList([]).settings, policy: 'geoip' };

test('sshd tells the address', () => {
  expect(sshAddress({ SSH_CONNECTION: '192.0.2.7 50000 192.0.2.1 22', SSH_CLIENT: '192.0.2.9 1 22' })).toBe(
    '192.0.2.7',
  );
  expect(sshAddress({ SSH_CLIENT: '2001:db8::7 50000 22' })).toBe('2001:db8::7');
  expect(sshAddress({})).toBe('');
});

test.each([
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['fe80::1%eth0', 'fe80::1'],
  ['2001:db8::7', '2001:db8::7'],
  ['', null],
  ['here; rm -rf /', null],
])('%o is the address %o', async (text, address) => {
  const settings = { ...GEOIP, policy: 'random' } as const;
  expect(await lookAt(text, () => undefined)(settings)).toEqual({ address, location: null });
});

test('a private address is nowhere, and no data is looked at for it', async () => {
  const warnings: string[] = [];
  const look = lookAt('10.0.0.1', (message) => warnings.push(message));
  expect(await look({ ...GEOIP, geoData: '/nowhere' })).toEqual({ address: '10.0.0.1', location: null });
  expect(warnings).toEqual([]);
});
