import { describe, expect, test } from 'vitest';
import { isAtLeast, parseGitVersion } from '../../../src/git/version.ts';

describe('the version of git', () => {
  test.each([
    ['git version 2.39.5\n', '2.39.5'],
    ['git version 2.39.5 (Apple Git-154)', '2.39.5'],
    ['git version 2.45.1.windows.1', '2.45.1'],
    ['git version 2.47.0.rc1.5.gabc', '2.47.0'],
    ['git version 2.47-rc0', '2.47'],
    ['what', null],
  ])('of %j is %s', (text, version) => {
    expect(parseGitVersion(text)).toBe(version);
  });

  test('is compared by number, not by letter', () => {
    expect(isAtLeast('2.100.0', '2.36')).toBe(true);
    expect(isAtLeast('2.36', '2.36')).toBe(true);
    expect(isAtLeast('2.9.5', '2.36')).toBe(false);
    expect(isAtLeast('3.0', '2.36')).toBe(true);
    expect(isAtLeast('1.99', '2.36')).toBe(false);
  });
});
