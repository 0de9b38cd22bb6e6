import { expect, test } from 'vitest';
import { pathOf } from '../../../../src/server/page/find-lists.ts';

test.each([
  ['/srv/git/x.git', '/x.git'],
  ['/srv/git/a/b/.git', '/a/b'],
  ['/srv/git/.git', '/'],
  ['/srv/git', '/'],
  ['/srv/git/odd.git/.git', '/odd.git'],
])('%s is at %s', (gitDir, path) => expect(pathOf('/srv/git', gitDir)).toBe(path));
