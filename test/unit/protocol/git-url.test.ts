import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GitUrl, parseGitUrl } from '../../../src/protocol/git-url.ts';

let repository: string;
beforeAll(() => {
  repository = mkdtempSync(join(tmpdir(), 'gam-url-'));
  execFileSync('git', ['init', '-q', '--bare', repository]);
});
afterAll(() => rmSync(repository, { recursive: true, force: true }));

/** What git itself makes of a URL: `git fetch-pack --diag-url` prints it without opening anything. */
function ask(url: string): Record<string, string> | null {
  const run = spawnSync('git', ['fetch-pack', '--diag-url', url], { encoding: 'utf8', cwd: repository });
  if (run.status !== 0) return null;
  return Object.fromEntries(
    [...run.stdout.matchAll(/^Diag: (\w+)=([\s\S]*?)\n(?=Diag: |$)/gm)].map(([, key = '', value = '']) => [
      key,
      value,
    ]),
  );
}

/** The same, of what gam makes of it. */
function tell(parsed: GitUrl): Record<string, string> {
  switch (parsed.kind) {
    case 'ssh':
      return {
        protocol: 'ssh',
        userandhost: parsed.destination,
        port: parsed.port ?? 'NONE',
        path: parsed.path,
      };
    case 'git':
      return { protocol: 'git', hostandport: parsed.hostAndPort, path: parsed.path };
    default:
      return { protocol: 'file', path: parsed.kind === 'file' ? parsed.path : parsed.url };
  }
}

function agree(url: string): void {
  // `<helper>::<address>` never comes as far as connect.c.
  const expected = /^[a-z0-9][a-z0-9+.-]*::/i.test(url) ? null : ask(url);
  // connect.c stumbles over brackets and `://` in a local path; git clone, which looks at the disk first, does not.
  const colon = url.indexOf(':');
  const slash = url.indexOf('/');
  if ((colon < 0 || (slash >= 0 && slash < colon)) && /\[|:\/\//.test(url)) return;
  // Of an empty path git reads the second letter, which is not there: what it tells is chance.
  if (url.endsWith(':')) return;
  let own: Record<string, string> | null = null;
  try {
    own = tell(parseGitUrl(url));
  } catch {
    // Refused, as git may well have done too.
  }
  // git tells of a strange host or path here, and refuses it when it connects (connect.c, "blocked").
  const { url: _, userandhost, hostandport, ...rest } = expected ?? {};
  const host = userandhost ?? hostandport ?? '';
  const blocked = (rest['protocol'] !== 'file' && host.startsWith('-')) || rest['path']?.startsWith('-');
  if (expected === null || blocked) expect({ url, own }).toEqual({ url, own: null });
  else {
    const named =
      rest['protocol'] === 'file' ? {} : userandhost === undefined ? { hostandport } : { userandhost };
    expect({ url, ...own }).toEqual({ url, ...rest, ...named });
  }
}

describe('parseGitUrl agrees with git', () => {
  test.each([
    'host:path',
    'user@host:path',
    'host:/abs',
    'host:~user/x',
    'host:/~user/x',
    '[host]:path',
    '[::1]:path',
    'user@[::1]:path',
    '[host:22]:path',
    '[user@host:22]:path',
    'user@[host:22]:path',
    '[user@::1]:path',
    'ssh://host/path',
    'ssh://user@host:22/path',
    'ssh://[::1]/path',
    'ssh://user@[::1]:22/path',
    'ssh://host/~u/x',
    'ssh://host:/path',
    'ssh://host',
    'ssh://host:70000/p',
    'git+ssh://host/p',
    'ssh+git://host/p',
    'ssh://h/%20a%2f',
    'git://host/path',
    'git://host:9418/path',
    'git://[::1]:9418/p',
    'git://host/~u/x',
    'git://host',
    'git://h%41/x',
    'file:///srv/x',
    'file://host/x',
    'file:///a%20b',
    '/srv/x',
    '/srv/a%20b',
    './x:y',
    'x',
    'x/y:z',
    '../x',
    'ssh://-oProxyCommand=x/p',
    'host:-path',
    'git://-h/p',
    'ssh://u@h:22:33/p',
    ':path',
  ])('on %s', (url) => agree(url));

  test('on any made of the pieces that matter', () => {
    const piece = fc.constantFrom(
      'h',
      'u@',
      ':',
      '22',
      '/',
      '~',
      '[',
      ']',
      '::1',
      '%41',
      '%2f',
      '-',
      '.',
      '@',
      'a b',
      'é',
    );
    const start = fc.constantFrom('ssh://', 'git://', 'file://', 'git+ssh://', '', 'u@', '[', '/');
    fc.assert(
      fc.property(start, fc.array(piece, { minLength: 1, maxLength: 6 }), (first, pieces) =>
        agree(first + pieces.join('')),
      ),
      // The same every time, since each asks git; RUNS=5000 goes exploring.
      process.env['RUNS'] === undefined
        ? { numRuns: 200, seed: 1 }
        : { numRuns: Number(process.env['RUNS']) },
    );
  });
});

describe('parseGitUrl', () => {
  test('takes web URLs apart, and leaves foreign helpers and protocols alone', () => {
    expect(parseGitUrl('https://u:p@h.example:8443/x?y')).toMatchObject({
      kind: 'web',
      scheme: 'https',
      host: 'h.example',
      port: '8443',
    });
    expect(parseGitUrl('http://[::1]/x')).toMatchObject({ host: '[::1]', port: null });
    for (const url of ['ext::sh', 'mirror::https://x/', 'svn://h/x', ''])
      expect(() => parseGitUrl(url)).toThrow();
  });

  test('takes an empty path for the home folder there', () => {
    expect(parseGitUrl('host:')).toMatchObject({ kind: 'ssh', destination: 'host', path: '' });
  });

  test('is tried against a git that answers', () => {
    expect(
      execFileSync('git', ['fetch-pack', '--diag-url', 'h:p'], { encoding: 'utf8', cwd: repository }),
    ).toContain('protocol=ssh');
  });
});
