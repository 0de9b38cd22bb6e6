import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allValues, lastValue, parseBoolean, parseConfigList } from '../../../src/config/entries.ts';

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
const text = fc.string({ unit: 'binary' }).filter((value) => !value.includes('\0'));
const entry = fc.record({
  section: word,
  subsection: fc.option(text.filter((value) => !value.includes('\n'))),
  name: word,
  value: fc.option(text),
});

describe('parseConfigList', () => {
  test('reads back whatever git config --list -z can print', () => {
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const printed = entries.map(({ section, subsection, name, value }) => {
          const key = subsection === null ? `${section}.${name}` : `${section}.${subsection}.${name}`;
          return value === null ? `${key}\0` : `${key}\n${value}\0`;
        });
        expect(parseConfigList(printed.join(''))).toEqual(entries);
      }),
    );
  });

  test('the last value counts, a bare variable is true, and a subsection keeps its case', () => {
    const entries = parseConfigList('remote.Up.url\na\0remote.Up.url\nb\0remote.up.url\nc\0gam.x\0');
    expect(allValues(entries, 'remote', 'Up', 'url')).toEqual(['a', 'b']);
    expect(lastValue(entries, 'remote', 'Up', 'url')).toBe('b');
    expect(lastValue(entries, 'gam', null, 'x')).toBe('true');
    expect(lastValue(entries, 'gam', null, 'y')).toBeUndefined();
  });
});

test.each([
  [['true', 'Yes', 'ON', '1', '-7', '+3'], true],
  [['false', 'No', 'off', '', '0', '00'], false],
  [['maybe', '1x', 'truee'], undefined],
])('parseBoolean reads %j as git does', (words, value) => {
  for (const one of words) expect(parseBoolean(one)).toBe(value);
});
