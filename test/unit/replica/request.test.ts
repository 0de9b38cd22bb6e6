import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type Answer,
  type Operation,
  parseAnswers,
  parseRequest,
  writeAnswers,
  writeRequest,
} from '../../../src/replica/request.ts';

const oid = fc.stringMatching(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
const ref = fc.stringMatching(/^refs\/[a-zA-Zä0-9/._-]{1,60}$/);
const text = fc.string({ unit: 'grapheme' });
const swap = fc.record({
  ref,
  old: fc.option(oid, { nil: null }),
  new: fc.option(oid, { nil: null }),
});
const id = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({
    kind: fc.constant('swap' as const),
    swaps: fc.array(swap),
    texts: fc.array(text),
    behind: fc.array(fc.record({ at: fc.option(id, { nil: null }), swaps: fc.array(swap) })),
  }),
  fc.record({ kind: fc.constant('list' as const), prefixes: fc.array(ref) }),
  fc.constant({ kind: 'wake' as const }),
);
const request = fc.record({
  from: fc.stringMatching(/^[a-z0-9-]{1,32}$/),
  nonce: fc.stringMatching(/^[0-9a-f]{16}$/),
  operations: fc.array(operation),
});
const stored = fc.uniqueArray(fc.tuple(ref, fc.record({ oid, text: fc.option(text, { nil: null }) })), {
  selector: ([name]) => name,
});
const refs = stored.map((entries) => new Map(entries));
const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.constant({ kind: 'done' as const }),
  fc.record({ kind: fc.constant('done' as const), behind: fc.array(fc.boolean(), { minLength: 1 }) }),
  fc.record({ kind: fc.constant('stale' as const), refs }),
  fc.record({ kind: fc.constant('refs' as const), refs }),
  fc.record({ kind: fc.constant('failed' as const), words: text }),
);

test('a request is read as it was written', () => {
  fc.assert(
    fc.property(request, (one) => {
      expect(parseRequest(writeRequest(one))).toEqual(one);
    }),
  );
});

test('half of a request is none, and neither is one that says more than is known', () => {
  fc.assert(
    fc.property(request, fc.nat(), (one, at) => {
      const whole = writeRequest(one);
      const cut = whole.slice(0, at % whole.length);
      const read = parseRequest(cut);
      // What is cut between two lines is proven as a whole, or not at all; nothing else may be read from it.
      if (read !== null) expect(whole.startsWith(writeRequest(read))).toBe(true);
      expect(parseRequest(`${whole}operation burn\n`)).toBeNull();
      expect(parseRequest(`${whole}more\n`)).toBeNull();
    }),
  );
});

test('anything else is no request, and raises nothing', () => {
  fc.assert(
    fc.property(fc.string(), (one) => {
      expect(parseRequest(one)).toBeNull();
    }),
  );
  const good = writeRequest({
    from: 'eu',
    nonce: 'ab',
    operations: [{ kind: 'list', prefixes: ['refs/heads/'] }],
  });
  for (const [from, to] of [
    ['gam-request 1', 'gam-request 2'],
    ['prefix refs/heads/', 'prefix objects/'],
    ['prefix refs/heads/', 'swap - - refs/heads/x'],
    ['from eu\n', ''],
  ] as const)
    expect(parseRequest(good.replace(from, to))).toBeNull();
  expect(parseRequest(good)).not.toBeNull();
});

test('a swap names refs only, by whole ids', () => {
  const of = (line: string) => parseRequest(`gam-request 1\nfrom eu\nnonce 1\noperation swap\n${line}\n`);
  expect(of(`swap - ${'a'.repeat(40)} refs/heads/x`)).not.toBeNull();
  for (const line of [
    `swap - ${'a'.repeat(39)} refs/heads/x`,
    `swap - ${'a'.repeat(40)} HEAD`,
    'swap',
    'swap - -',
  ])
    expect(of(line)).toBeNull();
});

test('answers are read as they were written', () => {
  fc.assert(
    fc.property(fc.array(answer), (answers) => {
      expect(parseAnswers(writeAnswers(answers))).toEqual(answers);
    }),
  );
});

test('an answer is one line a ref, whatever its text holds', () => {
  fc.assert(
    fc.property(fc.array(answer), (answers) => {
      for (const line of writeAnswers(answers)) expect(line).not.toMatch(/[\r\n\u0000-\u0008]/);
    }),
  );
});

test('anything else is no answer, and raises nothing', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (lines) => {
      const known = lines.every((line) => ['done', 'stale', 'refs'].includes(line));
      if (!known && !lines.some((line) => line.startsWith('failed'))) expect(parseAnswers(lines)).toBeNull();
    }),
  );
});
