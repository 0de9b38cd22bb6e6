import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import { writeVariables } from '../../../src/config/write.ts';
import { readMirrorListFile, writeMirrorListFile } from '../../../src/git/mirror-list-file.ts';
import { pointAt } from '../../../src/protocol/location.ts';
import type { MirrorList } from '../../../src/protocol/mirror-list.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

let sandbox: Sandbox;
beforeAll(() => {
  sandbox = makeSandbox();
});
afterAll(() => sandbox.close());

// What git's syntax is about, and anything else that is no control character.
const text = fc
  .oneof(
    {
      weight: 3,
      arbitrary: fc.array(fc.constantFrom('"', '\\', '#', ';', ' ', '  ', ']', '[', '=', '.', 'a', 'ü')),
    },
    fc.array(fc.string({ unit: 'grapheme', maxLength: 3 }), { maxLength: 4 }),
  )
  .map((parts) => parts.join(''))
  .filter((whole) => !/[\u0000-\u001f\u007f]/.test(whole));
const id = text.filter((whole) => whole !== '' && whole.length <= 64);

describe('variables', () => {
  test('come back through git config as they were written, in their order', async () => {
    const key = fc.oneof(
      fc.constantFrom('mirror.version', 'a.b', 'A-1.c-2'),
      id.map((sub) => `mirror.${sub}.url`),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, text), { maxLength: 6 }), async (variables) => {
        const input = writeVariables(variables);
        const { stdout } = await sandbox.git(['config', '--file', '-', '--list', '-z'], { input });
        const read = parseConfigList(stdout).map(({ section, subsection, name, value }) => [
          [section, ...(subsection === null ? [] : [subsection]), name].join('.'),
          value,
        ]);
        const lower = (whole: string) => {
          const [, section = '', rest = '', name = ''] = /^([^.]*)(.*)(\.[^.]*)$/s.exec(whole) ?? [];
          return section.toLowerCase() + rest + name.toLowerCase();
        };
        expect(read).toEqual(variables.map(([whole, value]) => [lower(whole), value]));
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    ['a.b', 'x\ny'],
    ['a.b', 'x\ty'],
    ['a.b', '\u001b[31m'],
    ['a.s\rub.b', 'x'],
    ['a.b', '\0'],
    ['a', 'x'],
    ['.b', 'x'],
    ['a.b c', 'x'],
    ['a_.b', 'x'],
    ['a.1b', 'x'],
  ])('are refused: %j = %j', (key, value) => {
    expect(() => writeVariables([[key, value]])).toThrow(expect.objectContaining({ code: 'bad-config' }));
  });
});

describe('a mirror list as a file', () => {
  const url = fc.webUrl({ withQueryParameters: true });
  const degrees = fc.tuple(fc.integer({ min: -90, max: 90 }), fc.integer({ min: -180, max: 180 }));
  const mirror = fc.record({
    id,
    url,
    location: fc.option(degrees.map(([north, east]) => pointAt(north, east))),
    priority: fc.option(fc.integer({ min: 0, max: 100 })),
  });
  const list: fc.Arbitrary<MirrorList> = fc.record({
    canonical: fc.array(url, { maxLength: 3 }),
    mirrors: fc.uniqueArray(mirror, { selector: ({ id: of }) => of, maxLength: 4 }),
    more: fc.nat(),
    prefer: fc.option(fc.constantFrom('temporary', 'permanent')),
    ttl: fc.option(fc.nat({ max: 1_000_000 })),
    state: fc.constantFrom('current', 'deprecated', 'refusing', 'moved'),
    successor: fc.option(url),
    stale: fc.option(fc.nat()),
  });

  test('is read as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(list, async (original) => {
        const written = Buffer.from(writeMirrorListFile(original));
        expect(await readMirrorListFile(written, sandbox.env)).toEqual(original);
      }),
      { numRuns: 60 },
    );
  });

  test('includes nothing, and is refused where it is none', async () => {
    const { writeFileSync } = await import('node:fs');
    writeFileSync(sandbox.path('other'), '[mirror "x"]\n\turl = https://x\n');
    const including = `[include]\n\tpath = ${sandbox.path('other')}\n[mirror]\n\tversion = 1\n`;
    expect((await readMirrorListFile(Buffer.from(including), sandbox.env)).mirrors).toEqual([]);
    const huge = Buffer.alloc(2 ** 20 + 1, '#');
    for (const bad of [Buffer.from('[mirror'), Buffer.from('version = 1'), Buffer.from(''), huge])
      await expect(readMirrorListFile(bad, sandbox.env)).rejects.toMatchObject({ code: 'bad-mirror-list' });
  });
});
