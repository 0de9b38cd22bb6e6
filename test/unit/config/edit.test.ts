import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { withoutEntry, writeKey } from '../../../src/config/edit.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gam-edit-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Lines that a hand-written file may have; each is whole by itself. */
const line = fc.constantFrom(
  '[user]\n',
  '\tname = x\n',
  '# a comment\n',
  '\n',
  '  \n',
  '[mirror "https://h/"] url = inline\n',
  '[mirror "https://h/"]\n',
  '\turl = https://m.example/\n',
  '\turl = "https://m.example/;x"\n',
  '\tlong = one \\\n two\n',
  '[Protocol "mirror"]\n',
  '; [mirror "https://h/"]\n',
);
const added = fc.constantFrom(
  'https://m.example/',
  'a b',
  ' lead',
  'semi;colon',
  'quote"back\\slash',
  'tab\there',
  'ünï',
);
const base = fc.constantFrom('https://h/', 'git@h:', 'quo"te\\d');

describe('withoutEntry', () => {
  test('undoes git config --add byte by byte, whatever else the file holds', () => {
    const file = join(folder, 'config');
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), added, base, (lines, value, subsection) => {
        const before = `[core]\n${lines.join('')}`;
        writeFileSync(file, before);
        const key = { section: 'mirror', subsection, name: 'added' };
        const git = (...args: string[]) => execFileSync('git', ['config', '--file', file, ...args]);
        git('--add', writeKey(key), value);
        const after = withoutEntry(readFileSync(file).toString('latin1'), key, value);
        expect(after).not.toBeNull();
        // A header that stood there empty may go with its only value; nothing else may change.
        const bare = (text: string) => text.replaceAll('[mirror "https://h/"]\n', '');
        const restored = Buffer.from(after ?? '', 'latin1').toString();
        if (lines.includes('[mirror "https://h/"]\n')) expect(bare(restored)).toBe(bare(before));
        else expect(restored).toBe(before);
      }),
      { numRuns: 60 },
    );
  });

  test('leaves what it cannot be sure of to git', () => {
    const key = { section: 'remote', subsection: 'o', name: 'url' };
    for (const text of ['[remote "o"] url = x\n', '[remote "o"]\nurl=x\n', '[remote "p"]\n\turl = x\n', '']) {
      expect(withoutEntry(text, key, 'x')).toBeNull();
    }
    expect(withoutEntry('[remote "o"]\n\ta = b \\\n\turl = x\n', key, 'x')).toBeNull();
  });

  test('keeps a section that still holds something', () => {
    const key = { section: 'remote', subsection: 'o', name: 'url' };
    expect(withoutEntry('[remote "o"]\n\turl = x\n# c\n\ta = b\n', key, 'x')).toBe(
      '[remote "o"]\n# c\n\ta = b\n',
    );
  });
});
