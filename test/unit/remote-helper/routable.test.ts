import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FetchRequest } from '../../../src/protocol/fetch-request.ts';
import {
  isLazy,
  isRoutable,
  lackingFeature,
  routedRequest,
  standInRequest,
} from '../../../src/remote-helper/routable.ts';

const ID = 'a'.repeat(40);
const WANT = `want ${ID}`;

function request(...args: string[]): FetchRequest {
  return { capabilities: ['command=fetch', 'agent=git/2', 'object-format=sha1'], arguments: args };
}

// As git 2.39.5 writes them.
test.each([
  [
    'clone --depth 1',
    ['thin-pack', 'no-progress', 'include-tag', 'ofs-delta', 'deepen 1', WANT, WANT, 'done'],
  ],
  ['clone --filter', ['thin-pack', 'ofs-delta', 'filter blob:none', WANT, 'done']],
  [
    'clone --filter --depth',
    ['thin-pack', 'include-tag', 'ofs-delta', 'deepen 1', 'filter blob:none', WANT, 'done'],
  ],
  ['a lazy fetch', ['thin-pack', 'no-progress', 'ofs-delta', 'filter blob:none', WANT, 'done']],
  [
    'the same in a shallow clone',
    ['thin-pack', 'ofs-delta', `shallow ${ID}`, 'filter blob:none', WANT, 'done'],
  ],
])('%s is routed', (_what, args) => {
  expect(isRoutable(request(...args))).toBe(true);
});

test.each([
  ['a plain clone', ['thin-pack', 'ofs-delta', WANT, 'done']],
  ['a fetch that negotiates', ['thin-pack', 'deepen 1', WANT, `have ${ID}`]],
  ['a fetch that has done so', ['thin-pack', 'filter blob:none', WANT, `have ${ID}`, 'done']],
  ['fetch --depth in a shallow clone', [`shallow ${ID}`, 'deepen 2', WANT, 'done']],
  ['clone --shallow-since', ['deepen-since 1577846483', WANT, 'done']],
  ['clone --shallow-exclude', ['deepen-not refs/tags/v1', WANT, 'done']],
  ['fetch --deepen', ['deepen 2', 'deepen-relative', WANT, 'done']],
  ['a filter whose result cannot be checked', ['filter blob:limit=1k', WANT, 'done']],
  ['a filter without trees', ['filter tree:0', WANT, 'done']],
  ['a request for refs by name', ['deepen 1', 'want-ref refs/heads/main', 'done']],
  ['a request for packs from elsewhere', ['deepen 1', 'packfile-uris https', WANT, 'done']],
  ['a request with side-bands for all', ['deepen 1', 'sideband-all', WANT, 'done']],
])('%s goes to canonical', (_what, args) => {
  expect(isRoutable(request(...args))).toBe(false);
});

test('what is said to the server by an option goes to canonical', () => {
  const { capabilities, arguments: args } = request('deepen 1', WANT, 'done');
  expect(isRoutable({ capabilities: [...capabilities, 'server-option=x'], arguments: args })).toBe(false);
});

test('a fetch is lazy when git did not ask for refs, and follows no tags', () => {
  const lazy = request('filter blob:none', WANT, 'done');
  expect(isLazy(lazy, [])).toBe(true);
  expect(isLazy(lazy, [{ name: 'refs/heads/main', oid: ID, peeled: null }])).toBe(false);
  expect(isLazy(request('filter blob:none', 'include-tag', WANT, 'done'), [])).toBe(false);
  expect(isLazy(request('deepen 1', WANT, 'done'), [])).toBe(false);
});

test.each([
  [null, 'deepen 1', 'shallow clones'],
  ['', 'deepen 1', 'shallow clones'],
  ['filter wait-for-done', 'deepen 1', 'shallow clones'],
  ['shallow wait-for-done', 'deepen 1', null],
  ['shallow', 'filter blob:none', 'filters'],
  ['filters', 'filter blob:none', 'filters'],
  ['shallow filter', 'filter blob:none', null],
])('a server with fetch=%s, asked to %s, lacks %s', (features, argument, lacking) => {
  const capabilities = new Map([['fetch', features]]);
  expect(lackingFeature(request(argument, WANT, 'done'), { capabilities })).toBe(lacking);
});

const line = fc.oneof(
  fc.constantFrom('thin-pack', 'no-progress', 'include-tag', 'ofs-delta', 'filter blob:none', 'done'),
  fc.nat(99).map((depth) => `deepen ${depth}`),
  fc.stringMatching(/^[0-9a-f]{40}$/).map((oid) => `want ${oid}`),
);

test('a routed request is the very request, but for thin packs and capabilities that the mirror lacks', () => {
  const known = fc.subarray(['agent', 'object-format']);
  fc.assert(
    fc.property(fc.array(line), known, (args, names) => {
      const before = request(...args);
      const advertisement = { capabilities: new Map(names.map((name) => [name, null])) };
      const after = routedRequest(before, advertisement);
      expect(after.arguments).toEqual(args.filter((a) => a !== 'thin-pack'));
      expect(after.capabilities).toEqual(
        before.capabilities.filter((c) => c === 'command=fetch' || names.includes(c.split('=')[0] ?? '')),
      );
      const asked = (one: FetchRequest) =>
        one.arguments.filter((a) => !/^(?:thin-pack|no-progress)$/.test(a));
      expect(asked(standInRequest(before))).toEqual(asked(before));
    }),
  );
});
