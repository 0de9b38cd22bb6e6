import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { PacketDecoder } from '../../../src/pkt-line/decoder.ts';
import { FLUSH, linePacket } from '../../../src/pkt-line/encode.ts';
import { objectFormat, parseAdvertisement, writeAdvertisement } from '../../../src/protocol/advertisement.ts';
import { quoteC, unquoteC } from '../../../src/protocol/c-quote.ts';
import {
  argumentValues,
  hasArgument,
  parseFetchRequest,
  requestedCommand,
  writeFetchRequest,
} from '../../../src/protocol/fetch-request.ts';
import { parseHelperCommand } from '../../../src/protocol/helper-lines.ts';
import { parseRefLine, writeRefLine } from '../../../src/protocol/ls-refs.ts';
import { printable, printableProgress } from '../../../src/protocol/text.ts';

// Pairs of parse and write: what is written is read, and what is foreign is never read as something else.

const digits = (length: number) =>
  fc
    .array(fc.integer({ min: 0, max: 15 }), { minLength: length, maxLength: length })
    .map((list) => list.map((digit) => digit.toString(16)).join(''));
const oid = fc.oneof(digits(40), digits(64));
const text = fc.string({ unit: 'grapheme' });
const line = text.filter((value) => !value.includes('\n'));
const word = line.filter((value) => value !== '' && !value.includes(' '));

test('a ref line', () => {
  const ref = fc.record({ name: word, oid: fc.option(oid), peeled: fc.option(oid) });
  fc.assert(
    fc.property(ref, (one) => {
      expect(parseRefLine(writeRefLine(one))).toEqual(one);
    }),
  );
});

test('a ref line of any text is null, or holds ids only where ids belong', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        line,
        fc.tuple(oid, line).map(([id, rest]) => `${id} ${rest}`),
      ),
      (any) => {
        const ref = parseRefLine(any);
        if (ref === null) return;
        expect(ref.oid ?? '0'.repeat(40)).toMatch(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);
        expect(ref.name).not.toMatch(/^$| /);
      },
    ),
  );
  for (const bad of [
    '',
    'x y',
    `${'1'.repeat(41)} a`,
    `${'A'.repeat(40)} a`,
    '1'.repeat(40),
    `${'1'.repeat(40)} `,
  ])
    expect(parseRefLine(bad)).toBeNull();
});

test('an advertisement', () => {
  const name = word.filter((value) => !value.includes('='));
  const capabilities = fc.array(fc.tuple(name, fc.option(line)));
  fc.assert(
    fc.property(capabilities, (list) => {
      const map = new Map(list);
      const read = parseAdvertisement(writeAdvertisement({ capabilities: map }));
      expect([...(read?.capabilities ?? [])]).toEqual([...map]);
    }),
  );
});

test('an advertisement of another version is none; names of objects are no traps', () => {
  expect(parseAdvertisement([])).toBeNull();
  expect(parseAdvertisement(['version 1'])).toBeNull();
  const read = parseAdvertisement(['version 2', 'fetch=shallow filter', 'a=b=c', '__proto__=x', '']);
  expect(read?.capabilities.get('fetch')).toBe('shallow filter');
  expect(read?.capabilities.get('__proto__')).toBe('x');
  expect(read?.capabilities.has('constructor')).toBe(false);
  expect(read?.capabilities.get('a')).toBe('b=c');
  expect(objectFormat(read as never)).toBe('sha1');
});

test('a fetch request', () => {
  const request = fc.record({
    capabilities: fc.array(line, { minLength: 1 }),
    arguments: fc.array(line),
  });
  fc.assert(
    fc.property(request, (one) => {
      const bytes = Buffer.concat(writeFetchRequest(one).map(({ raw }) => raw));
      expect(parseFetchRequest(new PacketDecoder().push(bytes))).toEqual(one);
    }),
  );
});

test('arguments by their keyword', () => {
  const request = { capabilities: [], arguments: ['want a', 'wanted b', 'want', 'want c d', 'done'] };
  expect(argumentValues(request, 'want')).toEqual(['a', 'c d']);
  expect(hasArgument(request, 'done')).toBe(true);
  expect(hasArgument(request, 'wan', 'have')).toBe(false);
  expect(requestedCommand([linePacket('command=fetch'), FLUSH])).toBe('fetch');
  expect(requestedCommand([FLUSH])).toBeNull();
  expect(requestedCommand([])).toBeNull();
});

test('a quoted value is read back, and one without quotes is taken as it is', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(unquoteC(quoteC(value))).toBe(value);
    }),
  );
  const bare = text.filter((value) => !value.startsWith('"'));
  fc.assert(
    fc.property(bare, (value) => {
      expect(unquoteC(value)).toBe(value);
    }),
  );
});

test('git’s own quoting is undone', () => {
  // check-ignore quotes names as quote_c_style() does (git-check-ignore(1), "OUTPUT"); the rule ignores all.
  const names = [
    'plain',
    'with "quotes"',
    'back\\slash',
    'tab\tand\nline',
    'é ü 漢',
    '\u0001\u007f\u001b[0m',
  ];
  const folder = mkdtempSync(join(tmpdir(), 'gam-'));
  try {
    execFileSync('git', ['init', '-q', folder]);
    writeFileSync(join(folder, '.gitignore'), '*\n');
    for (const name of names) {
      const shown = execFileSync('git', ['-C', folder, 'check-ignore', '--', name], { encoding: 'utf8' });
      expect(unquoteC(shown.slice(0, -1))).toBe(name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  expect(unquoteC('"\\303\\251 \\"q\\" \\\\ \\t\\n\\a\\b\\v\\f\\r"')).toBe('é "q" \\ \t\n\u0007\b\v\f\r');
  expect(unquoteC('"open')).toBe('"open');
});

test('command lines of git', () => {
  expect(parseHelperCommand('')).toEqual({ kind: 'end' });
  expect(parseHelperCommand('capabilities')).toEqual({ kind: 'capabilities' });
  expect(parseHelperCommand('option progress true')).toEqual({
    kind: 'option',
    name: 'progress',
    value: 'true',
  });
  expect(parseHelperCommand('option servpath "a \\"b\\""')).toMatchObject({ value: 'a "b"' });
  expect(parseHelperCommand('option cloning')).toMatchObject({ name: 'cloning', value: '' });
  expect(parseHelperCommand('stateless-connect git-upload-pack')).toEqual({
    kind: 'connect',
    service: 'git-upload-pack',
    stateless: true,
  });
  expect(parseHelperCommand('connect git-receive-pack')).toMatchObject({ stateless: false });
  fc.assert(
    fc.property(line, (any) => {
      const command = parseHelperCommand(any);
      if (command.kind === 'other') expect(command.line).toBe(any);
    }),
  );
});

const ACTING = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/u;

test('text for a terminal holds nothing that acts on it, and is as long as it may be', () => {
  const any = fc.string({ unit: fc.oneof(fc.constantFrom('\u001b', '\r', '\n', '\u009b', '\u202e'), text) });
  fc.assert(
    fc.property(any, fc.integer({ min: 0, max: 50 }), (value, limit) => {
      const shown = printable(value, limit);
      expect(ACTING.test(shown)).toBe(false);
      expect(shown.length).toBeLessThanOrEqual(limit + 3);
      expect(ACTING.test(printableProgress(value).replace(/[\t\n\r]/g, ''))).toBe(false);
      if (!ACTING.test(value)) expect(printable(value, value.length)).toBe(value);
    }),
  );
});
