import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ConfigEntry, parseConfigList } from '../../../src/config/entries.ts';
import { DEFAULTS, readWatchList, unfitValue } from '../../../src/sync/watch-list.ts';

/** As git prints a list; null: a variable without `=`. */
const listed = (...lines: [key: string, value: string | null][]) =>
  readWatchList(
    parseConfigList(lines.map(([key, value]) => `${key}${value === null ? '' : `\n${value}`}\0`).join('')),
  );
const NOTES = { dir: '/home/a/notes', ...DEFAULTS };
const of = (name: string) => `folder./home/a/notes.${name}`;

describe('readWatchList', () => {
  test.each([
    ['remote', 'backup', { remote: 'backup' }],
    ['branch', 'work/today', { branch: 'work/today' }],
    ['message', '{host}: {names}', { message: '{host}: {names}' }],
    ['delay', '50ms', { delayMs: 50 }],
    ['delay', '2', { delayMs: 2000 }],
    ['delay', '60m', { delayMs: 3_600_000 }],
    ['onconflict', 'stop', { onConflict: 'stop' }],
    ['onconflict', 'theirs', { onConflict: 'theirs' }],
    ['sizelimit', '500k', { sizeLimit: 512_000 }],
    ['sizelimit', '1', { sizeLimit: 1 }],
    ['ignore', '*.tmp', { ignore: ['*.tmp'] }],
    ['watch', 'true', {}],
  ])('%s = %s', (name, value, read) =>
    expect(listed([of(name), value])).toEqual({ folders: [{ ...NOTES, ...read }], warnings: [] }),
  );

  test.each([
    ['remote', '', "'' is not the name of a remote"],
    ['branch', '', "'' is not the name of a branch"],
    ['message', ' \n', "' ?' is not a text"],
    ['delay', '10ms', "'10ms' is not a time from 50ms to 60m"],
    ['delay', '61m', "'61m' is not a time from 50ms to 60m"],
    ['delay', 'soon', "'soon' is not a time from 50ms to 60m"],
    ['delay', '-1s', "'-1s' is not a time from 50ms to 60m"],
    ['onconflict', 'Ours', "'Ours' is not one of stop, keep-both, ours, theirs"],
    ['sizelimit', '0', "'0' is not a size as 500k, 100m or 2g"],
    ['sizelimit', '1.5m', "'1.5m' is not a size as 500k, 100m or 2g"],
  ])('%s = %j is a warning, and what is preset holds', (name, value, wrong) => {
    expect(listed([of(name), value])).toEqual({
      folders: [NOTES],
      warnings: [`${of(name)}: ${wrong}; it is passed over`],
    });
    expect(unfitValue(name, value)).toBe(wrong);
  });

  test('a variable without a value, and one that gam does not know, are warnings', () => {
    for (const name of ['remote', 'delay', 'ignore'])
      expect(listed([of(name), null])).toEqual({
        folders: [NOTES],
        warnings: [`${of(name)} has no value; it is passed over`],
      });
    expect(listed([of('dealy'), '5s']).warnings).toEqual([
      `${of('dealy')} means nothing to gam; it is passed over`,
    ]);
    expect(listed([of('watch'), null])).toEqual({ folders: [NOTES], warnings: [] });
  });

  test('the last value counts, a bad one behind it takes nothing back, and patterns add up', () => {
    const { folders, warnings } = listed(
      [of('delay'), '1s'],
      [of('ignore'), '*.tmp'],
      [of('delay'), '5s'],
      [of('ignore'), 'build/'],
      [of('delay'), 'never'],
    );
    expect(folders).toEqual([{ ...NOTES, delayMs: 5000, ignore: ['*.tmp', 'build/'] }]);
    expect(warnings).toHaveLength(1);
  });

  test('folders stay in the order in which they are named first, each on its own', () => {
    const { folders } = listed(
      ['folder./b.watch', 'true'],
      ['folder./a.remote', 'x'],
      ['folder./b/.ignore', 'y'],
      ['folder.watch', 'true'],
      ['other./c.remote', 'x'],
    );
    expect(folders).toEqual([
      { dir: '/b', ...DEFAULTS, ignore: ['y'] },
      { dir: '/a', ...DEFAULTS, remote: 'x' },
    ]);
    // One's patterns are not another one's, nor those of whoever reads the list next.
    expect(DEFAULTS.ignore).toEqual([]);
  });

  test('a relative path is one warning, however much is said of it, and fit to be shown', () => {
    expect(listed(['folder.no\u001btes.remote', 'x'], ['folder.no\u001btes.delay', '5s'])).toEqual({
      folders: [],
      warnings: ['folder.no?tes is not an absolute path; it is passed over'],
    });
    expect(listed(['folder.~/notes.watch', 'true']).folders).toEqual([]);
  });

  test('whatever stands there, the list can be read, and each folder is whole', () => {
    const name = fc.constantFrom(
      'remote',
      'branch',
      'message',
      'delay',
      'onconflict',
      'sizelimit',
      'ignore',
      'constructor',
    );
    const entry: fc.Arbitrary<ConfigEntry> = fc.record({
      section: fc.constantFrom('folder', 'other'),
      subsection: fc.option(
        fc.oneof(
          fc.constant('/a'),
          fc.string(),
          fc.string().map((path) => `/${path}`),
        ),
      ),
      name: fc.oneof(name, fc.string()),
      value: fc.option(fc.oneof(fc.string(), fc.constantFrom('5s', '1m', 'ours', '2g'))),
    });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const { folders, warnings } = readWatchList(entries);
        expect(new Set(folders.map(({ dir }) => dir)).size).toBe(folders.length);
        for (const folder of folders) {
          expect(folder.dir).toMatch(/^\//);
          expect(folder.delayMs).toBeGreaterThanOrEqual(50);
          expect(folder.delayMs).toBeLessThanOrEqual(3_600_000);
          expect(folder.sizeLimit).toBeGreaterThan(0);
          expect(['stop', 'keep-both', 'ours', 'theirs']).toContain(folder.onConflict);
          expect(Object.keys(folder).sort()).toEqual(['dir', ...Object.keys(DEFAULTS)].sort());
        }
        for (const warning of warnings) expect(warning).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
