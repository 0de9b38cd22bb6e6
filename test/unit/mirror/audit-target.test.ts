import { describe, expect, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import { auditTarget } from '../../../src/mirror/audit-target.ts';

function entries(...pairs: readonly (readonly [string, string])[]) {
  return parseConfigList(pairs.map(([key, value]) => `${key}\n${value}\0`).join(''));
}

const FAR = 'https://far.host.org/r';
const REMOTE = [
  ['remote.origin.url', FAR],
  ['remote.origin.fetch', '+refs/heads/main:refs/remotes/origin/main'],
] as const;
const here = { inRepository: true };

describe('of a URL', () => {
  const clone = { inRepository: false, url: FAR };

  test.each([
    ['plain', entries(), FAR, false, FAR],
    ['with mirror::', entries(), `mirror::${FAR}`, true, FAR],
    ['rewritten', entries(['url.git@near:.insteadOf', 'https://far.host.org/']), FAR, false, 'git@near:r'],
    [
      'rewritten behind mirror::',
      entries(['url.git@near:.insteadOf', 'https://far.host.org/']),
      `mirror::${FAR}`,
      true,
      'git@near:r',
    ],
    [
      'led to gam',
      entries(['url.mirror::https://far.host.org/.insteadOf', 'https://far.host.org/']),
      FAR,
      true,
      FAR,
    ],
    [
      'led to gam, and rewritten there',
      entries(
        ['url.mirror::https://far.host.org/.insteadOf', 'https://far.host.org/'],
        ['url.git@near:.insteadOf', 'https://far.host.org/'],
      ),
      FAR,
      true,
      'git@near:r',
    ],
  ])('%s', (_what, config, url, throughGam, canonical) => {
    const target = auditTarget(config, { ...clone, url });
    expect(target).toMatchObject({ given: url, throughGam, canonical, remote: null });
    expect(target.refs).toEqual(['HEAD', 'refs/heads/', 'refs/tags/']);
  });
});

describe('in a repository', () => {
  test('a URL that a remote has is that remote’s, with its refspecs', () => {
    for (const url of [FAR, `mirror::${FAR}`, undefined, 'origin'])
      expect(auditTarget(entries(...REMOTE), { ...here, url })).toMatchObject({
        remote: 'origin',
        canonical: FAR,
        throughGam: false,
        refs: ['HEAD', 'refs/heads/main', 'refs/tags/'],
      });
    expect(auditTarget(entries(...REMOTE), { ...here, url: `${FAR}2` }).remote).toBeNull();
    expect(auditTarget(entries(...REMOTE), { inRepository: false, url: FAR }).remote).toBeNull();
  });

  test('a remote goes through gam by its URL, or by its vcs', () => {
    const byUrl = entries(['remote.origin.url', `mirror::${FAR}`]);
    const byVcs = entries(...REMOTE, ['remote.origin.vcs', 'mirror']);
    for (const config of [byUrl, byVcs])
      expect(auditTarget(config, here)).toMatchObject({ throughGam: true, canonical: FAR });
  });

  test('a remote that is not there, or is not clear, is an error', () => {
    expect(() => auditTarget(entries(...REMOTE), { ...here, remote: 'gone' })).toThrow(
      expect.objectContaining({ code: 'unknown-remote' }),
    );
    const two = entries(['remote.a.url', FAR], ['remote.b.url', FAR]);
    expect(() => auditTarget(two, here)).toThrow(expect.objectContaining({ code: 'usage' }));
    expect(auditTarget(two, { ...here, remote: 'b' }).remote).toBe('b');
  });
});
