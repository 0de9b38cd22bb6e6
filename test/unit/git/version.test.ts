import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAtLeast, isFitForMirrors, parseGitVersion } from '../../../src/git/version.ts';

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

describe('a git that fetches from mirrors', () => {
  let programs: string;
  beforeEach(() => {
    programs = mkdtempSync(join(tmpdir(), 'gam-version-'));
  });
  afterEach(() => rmSync(programs, { recursive: true }));

  const install = (name: string, script: string) => {
    writeFileSync(join(programs, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(programs, name), 0o755);
  };
  const isFit = () => isFitForMirrors({ env: { PATH: programs }, cwd: programs });

  test.each([
    ['2.27.1', false],
    ['2.28.0', true],
  ])('%s: %s, as it says itself', async (version, fit) => {
    install('git', `echo git version ${version}`);
    expect(await isFit()).toBe(fit);
  });

  test('need not be asked where a program that came later lies beside it', async () => {
    install('git', 'exit 1');
    await expect(isFit()).rejects.toMatchObject({ code: 'git-failed' });
    install('git-maintenance', 'exit 1');
    expect(await isFit()).toBe(true);
  });

  test('is not judged by what lies beside another git', async () => {
    install('git-maintenance', 'exit 1');
    await expect(isFit()).rejects.toMatchObject({ code: 'git-missing' });
  });
});
