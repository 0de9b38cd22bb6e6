import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeMessage } from '../../../src/sync/message.ts';
import { DEFAULTS } from '../../../src/sync/watch-list.ts';

const write = (template: string, ...paths: string[]) => writeMessage(template, { host: 'desk', paths });
const long = (letter: string) => letter.repeat(40);

describe('writeMessage', () => {
  test.each([
    ['what is preset', DEFAULTS.message, ['a/b/notes.md'], 'notes.md (desk)'],
    ['three names, and how many more', '{names}', ['a', 'b/b', 'c', 'd', 'e'], 'a, b, c and 2 more'],
    ['as many names as go into a line', '{names}', [long('a'), long('b'), 'c'], `${long('a')} and 2 more`],
    ['one name, however long', '{names}', ['a'.repeat(300)], 'a'.repeat(300)],
    ['how many', '{count} from {host}, {count}', ['a', 'b'], '2 from desk, 2'],
    ['what is no field', '{name} {{host}} {HOST} {', ['a'], '{name} {desk} {HOST} {'],
    ['a name in UTF-8', '{names}', [Buffer.from('Übersicht.md').toString('latin1')], 'Übersicht.md'],
    ['a name of other bytes, with a line end', '{names}', ['a\xff\nb'], 'a\ufffd?b'],
    ['a name that looks like a field', '{names} {host}', ['{host} $& $1'], '{host} $& $1 desk'],
    ['a line for each', '{names}\n\n{host}', ['a'], 'a\n\ndesk'],
  ] as [string, string, string[], string][])('%s', (_, template, paths, message) =>
    expect(write(template, ...paths)).toBe(message),
  );

  test('is never empty: git would take no commit with a file named by a blank', () => {
    expect(write('{names}', ' ')).toBe('1 changed');
  });

  test('names hold no control character, whatever the files are called', () => {
    const path = fc.string({
      unit: fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
      minLength: 1,
    });
    fc.assert(
      fc.property(fc.array(path, { minLength: 1 }), (paths) => {
        const message = write('{names}', ...paths);
        expect(message.trim()).not.toBe('');
        expect(message).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
      }),
    );
  });
});
