import { expect, test } from 'vitest';
import { tellsOfChanges } from '../../../src/git/work-tree.ts';

const FILE = 'N... 100644 100644 100644 a a x';

test.each([
  ['nothing', '', false],
  ['a file that differs', `1 .M ${FILE}\0`, true],
  ['one that is prepared', `1 A. ${FILE}\0`, true],
  ['a submodule at another commit', '1 .M SC.. 160000 160000 160000 a a lib\0', false],
  ['one that is prepared', '1 M. SC.. 160000 160000 160000 a b lib\0', true],
  ['two, and a file', `1 .M SC.. 160000 160000 160000 a a lib\x001 .M ${FILE}\0`, true],
  ['a rename', '2 R. N... 100644 100644 100644 a a R100 y\0x\0', true],
  [
    'a file whose old name looks like a submodule',
    '2 R. N... 100644 100644 100644 a a R100 y\x001 .M SC\0',
    true,
  ],
  ['a conflict', 'u UU N... 100644 100644 100644 100644 a b c x\0', true],
])('%s', (_, status, expected) => expect(tellsOfChanges(status)).toBe(expected));
