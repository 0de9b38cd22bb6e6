import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type FetchRequest, fittedRequest } from '../../../src/protocol/fetch-request.ts';

const ID = 'a'.repeat(40);

// As git 2.39.5 words a lazy fetch.
const LAZY: FetchRequest = {
  capabilities: ['command=fetch', 'agent=git/2.39.5', 'object-format=sha1'],
  arguments: ['thin-pack', 'no-progress', 'ofs-delta', 'filter blob:none', `want ${ID}`, 'done'],
};

test.each([
  ['all of it', ['agent', 'object-format'], 'shallow filter', LAZY],
  [
    'no filters',
    ['agent', 'object-format'],
    'shallow',
    { ...LAZY, arguments: LAZY.arguments.filter((a) => a !== 'filter blob:none') },
  ],
  ['no hash', ['agent'], 'filter', { ...LAZY, capabilities: ['command=fetch', 'agent=git/2.39.5'] }],
  [
    'no name',
    ['object-format'],
    'filter',
    { ...LAZY, capabilities: ['command=fetch', 'object-format=sha1'] },
  ],
] as const)('for a server that offers %s', (_what, names, features, expected) => {
  const capabilities = new Map<string, string | null>(names.map((name) => [name, '']));
  expect(fittedRequest(LAZY, { capabilities: capabilities.set('fetch', features) })).toEqual(expected);
});

test('what git asked for stays, whatever the server offers', () => {
  const line = fc.oneof(
    fc.constantFrom('done', 'thin-pack', 'filter blob:none', 'server-option=x'),
    fc.stringMatching(/^[0-9a-f]{40}$/).map((oid) => `want ${oid}`),
  );
  const offered = fc.dictionary(fc.constantFrom('agent', 'fetch', 'object-format'), fc.string());
  fc.assert(
    fc.property(fc.array(line), offered, (args, capabilities) => {
      const request = { capabilities: ['command=fetch', 'server-option=x'], arguments: args };
      const after = fittedRequest(request, { capabilities: new Map(Object.entries(capabilities)) });
      expect(after.capabilities).toEqual(request.capabilities);
      const unfiltered = (all: readonly string[]) => all.filter((a) => !a.startsWith('filter '));
      expect(unfiltered(after.arguments)).toEqual(unfiltered(args));
    }),
  );
});
