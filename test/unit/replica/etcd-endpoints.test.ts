import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GamError } from '../../../src/errors.ts';
import { parseEtcdEndpoints } from '../../../src/replica/etcd-endpoints.ts';

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,10}[a-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const host = fc.oneof(
  name,
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address.toLowerCase()}]`),
);
const endpoint = fc.tuple(host, fc.integer({ min: 1, max: 65_535 })).map((parts) => parts.join(':'));
const hosts = fc.uniqueArray(endpoint, { minLength: 1, maxLength: 20 });
const word = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const login = fc.record({ user: word, password: word });

const refusal = (text: string): GamError => {
  try {
    parseEtcdEndpoints(text);
  } catch (error) {
    if (error instanceof GamError) return error;
    throw error;
  }
  throw new Error(`taken: ${text}`);
};

test('endpoints are read as they are written, in one form or the other', () => {
  fc.assert(
    fc.property(hosts, fc.constantFrom('', 'http://', 'https://'), (all, scheme) => {
      const read = { hosts: all, secure: scheme === 'https://', login: null };
      expect(parseEtcdEndpoints(`etcd:${scheme}${all.join(',')}`)).toEqual(read);
      const each = all.map((one) => `${scheme}${one}/`);
      expect(parseEtcdEndpoints(`etcd:${each.join(',')}`)).toEqual(read);
    }),
  );
});

test('a name and a password are read, whatever characters they hold', () => {
  fc.assert(
    fc.property(hosts, login, (all, { user, password }) => {
      const [a, b] = [user, password].map(encodeURIComponent);
      expect(parseEtcdEndpoints(`etcd:https://${a}:${b}@${all.join(',')}`)).toEqual({
        hosts: all,
        secure: true,
        login: { user, password },
      });
      expect(refusal(`etcd:${a}:${b}@${all.join(',')}`).message).toContain('over https only');
    }),
  );
});

test('any other text is refused with a reason, and no password is told', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!text.includes('sesame'));
      for (const one of [text, `etcd:${text}`, `etcd:https://${text}`]) {
        try {
          for (const read of parseEtcdEndpoints(one).hosts) expect(read).toMatch(/^[a-z0-9.:[\]-]+:[0-9]+$/);
        } catch (error) {
          expect(error).toMatchObject({
            code: 'bad-config',
            suggestion: expect.stringContaining('etcd:<host>'),
          });
        }
      }
      for (const one of [`etcd:ann:sesame@${text}`, `etcd:https://ann:sesame@,${text}`])
        expect(refusal(one).message).not.toContain('sesame');
    }),
  );
});

test.each([
  ['', 'does not begin with etcd:'],
  ['git', 'does not begin with etcd:'],
  ['etcd:', 'no host is named'],
  ['etcd:https://', 'no host is named'],
  ['etcd:a', 'a is no <host>:<port>'],
  ['etcd:a:', 'a: is no <host>:<port>'],
  ['etcd:a:0', 'a:0 is no <host>:<port>'],
  ['etcd:a:65536', 'a:65536 is no <host>:<port>'],
  ['etcd:a:1,', 'nothing is no <host>:<port>'],
  ['etcd:a:1,A:1', 'a:1 is named twice'],
  ['etcd:::1:2379', '::1:2379 is no <host>:<port>'],
  ['etcd:[::g]:2379', '[::g]:2379 is no <host>:<port>'],
  ['etcd:$(touch x):1', 'is no <host>:<port>'],
  ['etcd:a;b:1', 'is no <host>:<port>'],
  ['etcd:-a:1', '-a:1 is no <host>:<port>'],
  ['etcd:a b:1', 'a b:1 is no <host>:<port>'],
  ['etcd:a\u001b[2J:1', 'is no <host>:<port>'],
  ['etcd:http://a:1,https://b:1', 'over https, or none'],
  ['etcd:https://a:1,http://b:1', 'over https, or none'],
  ['etcd:https://ann@a:1', 'a name and a password'],
  ['etcd:https://ann:%zz@a:1', 'a name and a password'],
  ['etcd:https://ann:x@a:1,ben:y@b:1', 'a name and a password'],
  [`etcd:${Array.from({ length: 21 }, (_, n) => `a${n}:1`).join(',')}`, 'more than 20 members'],
])('%j is refused: %s', (text, why) => {
  const { code, message } = refusal(text);
  expect(code).toBe('bad-config');
  expect(message).toContain(why);
  expect(message).not.toMatch(/[\u0000-\u001f]/);
});
