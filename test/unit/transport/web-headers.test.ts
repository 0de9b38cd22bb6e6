import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigEntry } from '../../../src/config/entries.ts';
import { ownHeaders, withExtra } from '../../../src/transport/web-headers.ts';

function entry(value: string): ConfigEntry {
  return { section: 'http', subsection: null, name: 'extraheader', value };
}

const OWN = ownHeaders(2, {});

function names(...values: string[]): string[] {
  return withExtra(OWN, values.map(entry))
    .headers.filter(({ from }) => from !== null)
    .map(({ name }) => name);
}

test('a header is named, however it is written', () => {
  expect(names('X-Token: s3cret', 'Empty;', ' Spaced : x')).toEqual(['X-Token', 'Empty', 'Spaced']);
});

test('one of git’s own is the user’s then, or is taken away', () => {
  const { headers, from } = withExtra(OWN, [entry('user-agent: me'), entry('Accept:')]);
  expect(headers.filter(({ name }) => /^(?:user-agent|accept)$/i.test(name))).toEqual([
    { name: 'user-agent', from: 'http.extraHeader', always: true },
  ]);
  expect(from).toEqual(['http.extraHeader']);
});

test('nothing is shown of what is no header, or no name', () => {
  expect(names('s3cret', 'two words: x', `${'x'.repeat(101)}: y`)).toEqual(['?', '?']);
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      for (const name of names(value)) expect(name).toMatch(/^[!#$%&'*+.^_`|~\w?-]+$/);
    }),
  );
});

test.each([
  [{}, undefined],
  [{ LANG: 'C.UTF-8' }, undefined],
  [{ LANG: 'de_DE.UTF-8' }, false],
  [{ LC_ALL: 'C', LANG: 'de_DE.UTF-8' }, undefined],
  [{ LANGUAGE: 'de' }, true],
])('the language: %j', (env, always) => {
  expect(ownHeaders(2, env).find(({ name }) => name === 'Accept-Language')?.always).toBe(always);
});
