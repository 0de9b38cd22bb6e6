import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readBundleList } from '../../../src/git/bundle-list-file.ts';
import {
  type BundleHeader,
  BundleHeaderReader,
  writeBundleHeader,
} from '../../../src/protocol/bundle-header.ts';
import { parseBundleList, writeBundleList } from '../../../src/protocol/bundle-list.ts';

// What a bundle and a list of bundles say of themselves, as git writes them and as nobody should.

function recorded(name: string): Buffer {
  return readFileSync(new URL(`../../../fixtures/wire/${name}.bundle`, import.meta.url));
}

function read(bytes: Buffer, piece = bytes.length): BundleHeader | null {
  const reader = new BundleHeaderReader();
  let header: BundleHeader | null = null;
  for (let at = 0; at < bytes.length && header === null; at += piece)
    header = reader.push(bytes.subarray(at, at + piece));
  return header;
}

const hex = (length: number) =>
  fc.array(fc.constantFrom(...'0123456789abcdef'.split('')), { minLength: length, maxLength: length });
const oid = (format: string) => hex(format === 'sha1' ? 40 : 64).map((digits) => digits.join(''));
const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\n'));
const someHeader = fc.constantFrom('sha1', 'sha256').chain((format) =>
  fc.record({
    version: fc.constant<2 | 3>(3),
    format: fc.constant(format),
    filter: fc.option(name.filter((text) => !text.includes('\r'))),
    prerequisites: fc.array(oid(format), { maxLength: 4 }),
    refs: fc
      .array(fc.tuple(name, oid(format)), { maxLength: 4 })
      .map((list): Map<string, string> => new Map(list)),
  }),
);

describe('the header of a bundle', () => {
  test('as git bundle writes version 2, and version 3 of sha256', () => {
    const two = recorded('two');
    expect(read(two)).toEqual({
      version: 2,
      format: 'sha1',
      filter: null,
      prerequisites: ['c29b3412b24ec135f9768f86f67e8fec1e3fa62e'],
      refs: new Map([['refs/heads/main', 'da15bf890d6b8a175fd8312964d8b2a7526cce67']]),
      length: two.indexOf('PACK'),
    });
    const three = recorded('three');
    expect(read(three)).toMatchObject({ version: 3, format: 'sha256', length: three.indexOf('PACK') });
    expect([...(read(three)?.refs.keys() ?? [])]).toEqual(['refs/heads/main']);
  });

  test('is read as it was written, wherever the chunks end, and nothing of the pack with it', () => {
    fc.assert(
      fc.property(someHeader, fc.integer({ min: 1, max: 50 }), (header, piece) => {
        const bytes = writeBundleHeader(header);
        const found = read(Buffer.concat([bytes, Buffer.from('PACK\n\n\n')]), piece);
        expect(found).toEqual({ ...header, length: bytes.length });
        expect(read(bytes.subarray(0, -1))).toBeNull();
      }),
    );
  });

  test.each([
    ['a page of the web', '<!DOCTYPE html>\n<title>Not found</title>\n', /is not a bundle/],
    ['a later version', '# v4 git bundle\n', /of version 4/],
    ['a capability that nobody knows', '# v3 git bundle\n@escape=\u001b[2J\n', /with 'escape=\?/],
    ['a capability in version 2', `# v2 git bundle\n@filter=blob:none\n`, /broken header/],
    ['a hash of no git', '# v3 git bundle\n@object-format=constructor\n', /object-format=constructor/],
    ['an id of the other hash', `# v2 git bundle\n${'1'.repeat(64)} refs/heads/main\n`, /broken header/],
    ['a ref without a name', `# v2 git bundle\n${'1'.repeat(40)} \n`, /broken header/],
    ['a line without an end', `# v2 git bundle\n${'1'.repeat(70_000)}`, /endless line/],
  ])('%s is refused', (_what, text, reason) => {
    expect(() => read(Buffer.from(text))).toThrow(reason);
    expect(() => read(Buffer.from(text))).toThrow(expect.objectContaining({ code: 'bad-bundle' }));
  });

  test('a header without an end is refused', () => {
    const reader = new BundleHeaderReader();
    reader.push(Buffer.from('# v2 git bundle\n'));
    const lines = Buffer.from(`-${'1'.repeat(40)} \n`.repeat(20_000));
    const endless = () => {
      for (let times = 0; times < 100; times += 1) reader.push(lines);
    };
    expect(endless).toThrow(/endless header/);
  });
});

describe('a list of bundles', () => {
  const id = fc.string({ minLength: 1 }).filter((text) => !/[\n\0]/.test(text));
  const bundle = fc.record({
    id,
    uri: fc.webUrl(),
    creationToken: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
    filter: fc.option(fc.constantFrom('blob:none', 'tree:0')),
  });
  const list = fc.record({
    mode: fc.constantFrom<'all' | 'any'>('all', 'any'),
    byToken: fc.boolean(),
    bundles: fc.uniqueArray(bundle, { selector: (one) => one.id, maxLength: 5 }),
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(list, (one) => {
        expect(parseBundleList(writeBundleList(one))).toEqual(one);
      }),
    );
  });

  test('is read as git reads it, from the form of a file', async () => {
    const text =
      '# from a server\n[Bundle]\n\tversion = 1\n\tmode = all\n\theuristic = creationToken\n' +
      '[bundle "2026.11 full"]\n\tURI = full.bundle\n\tcreationtoken = 18446744073709551615\n' +
      '[bundle "__proto__"]\n\turi = ../up.bundle\n\tcreationToken = 99999999999999999999\n' +
      '[include]\n\tpath = /etc/passwd\n';
    const { mode, byToken, bundles } = await readBundleList(text, { ...process.env });
    expect({ mode, byToken }).toEqual({ mode: 'all', byToken: true });
    expect(bundles).toEqual([
      { id: '2026.11 full', uri: 'full.bundle', creationToken: 2n ** 64n - 1n, filter: null },
      { id: '__proto__', uri: '../up.bundle', creationToken: null, filter: null },
    ]);
    await expect(readBundleList('[bundle\n', { ...process.env })).rejects.toThrow(/not a list/);
  });

  test.each<[string, [string, string][], RegExp]>([
    ['another version', [['bundle.version', '2']], /version 2/],
    ['no version', [['bundle.mode', 'all']], /version none/],
    [
      'another mode',
      [
        ['bundle.version', '1'],
        ['bundle.mode', 'some'],
      ],
      /mode some/,
    ],
    [
      'two URIs of one id',
      [
        ['bundle.x.uri', 'a'],
        ['bundle.x.uri', 'b'],
      ],
      /two URIs for 'x'/,
    ],
    [
      'a million bundles',
      Array.from({ length: 1_000_000 }, (_, index) => [`bundle.${index}.uri`, 'x']),
      /more than 256/,
    ],
  ])('with %s is refused', (_what, variables, reason) => {
    expect(() => parseBundleList(variables)).toThrow(reason);
  });

  test('is written so that git understands it', () => {
    const file = writeBundleList({
      mode: 'any',
      byToken: true,
      bundles: [{ id: 'a', uri: 'a.bundle', creationToken: 3n, filter: null }],
    }).map(([key, value]) => ['-c', `${key}=${value}`]);
    const seen = execFileSync('git', [...file.flat(), 'config', '--get-regexp', '^bundle\\.'], {
      encoding: 'utf8',
    });
    expect(seen).toBe(
      'bundle.version 1\nbundle.mode any\nbundle.heuristic creationToken\nbundle.a.uri a.bundle\nbundle.a.creationtoken 3\n',
    );
  });
});
