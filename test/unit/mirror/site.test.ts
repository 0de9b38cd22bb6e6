import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { refComponent, siteNames } from '../../../src/mirror/site.ts';
import { parseGitUrl } from '../../../src/protocol/git-url.ts';

function named(...urls: string[]): string[] {
  return siteNames(urls.map((url) => ({ url, parsed: parseGitUrl(url) })));
}

/** Which of these ref names git accepts: one process for all, `git check-ref-format` being one a name. */
function refused(names: readonly string[]): string[] {
  const lines = names.map((name) => `git check-ref-format 'refs/mirror/${name}/heads/x' || echo '${name}'`);
  const run = spawnSync('sh', { input: lines.join('\n'), encoding: 'utf8' });
  return run.stdout.split('\n').filter((line) => line !== '');
}

const host = fc.oneof(
  fc.domain(),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
  fc.constantFrom(
    'a.lock',
    'CON',
    'con.x',
    'nul',
    '..',
    '.',
    '.a',
    'a.',
    '-x',
    '@{',
    '~^:?*[\\',
    'x'.repeat(300),
  ),
);

describe('siteNames', () => {
  test('makes only names that git takes as part of a ref', () => {
    const made = fc.sample(host, 300).map(refComponent);
    const sites = fc.sample(fc.tuple(host, fc.option(fc.nat(70_000))), 100).flatMap(([name, port]) =>
      siteNames([
        {
          url: 'u',
          parsed: {
            kind: 'web',
            scheme: 'https',
            host: name,
            port: port === null ? null : String(port),
            url: 'u',
          },
        },
      ]),
    );
    const all = [...made, ...sites].filter((name) => name !== '');
    for (const name of all) expect(name).toMatch(/^[a-z0-9._+%-]+$/);
    expect(refused(all)).toEqual([]);
    for (const name of sites) expect(name.length).toBeLessThanOrEqual(110);
  });

  test('gives every mirror of a remote a site of its own, whatever their order', () => {
    const url = fc.constantFrom(
      'https://h.example/a',
      'https://H.example/b',
      'https://h.example./c',
      'https://h.example:8443/a',
      'ssh://h.example/a',
      'git@h.example:a',
      '/srv/a',
      'file:///srv/b',
      'https://[::1]/x',
      'https://[::1]:80/x',
      `https://${'x'.repeat(300)}.example/`,
    );
    fc.assert(
      fc.property(fc.uniqueArray(url), (urls) => {
        const sites = named(...urls);
        expect(new Set(sites.map((site) => site.toLowerCase())).size).toBe(urls.length);
        expect(named(...urls.toReversed()).toReversed()).toEqual(sites);
      }),
    );
  });

  test('is the lower-case host, with the port when one is given', () => {
    expect(named('https://EU.Mirror.example./r', 'ssh://git@h.example:2222/r', '/srv/r')).toEqual([
      'eu.mirror.example',
      'h.example+2222',
      'localhost',
    ]);
    const [first, second] = named('https://h.example/a', 'https://h.example/b');
    expect(first).toMatch(/^h\.example\+[0-9a-f]{7}$/);
    expect(second).not.toBe(first);
  });
});
