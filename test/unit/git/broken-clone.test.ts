import { expect, test } from 'vitest';
import { folderOf } from '../../../src/git/broken-clone.ts';

test.each([
  ['mirror::https://h/group/x.git', 'x'],
  ['https://h/x/', 'x'],
  ['a@h:x.git', 'x'],
  ['ssh://h/srv/x/.git', 'x'],
  ['/srv/x/.git/', 'x'],
])('git names the clone of %s %s', (url, folder) => expect(folderOf(url)).toBe(folder));
