import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { repositoryKey } from '../../../src/protocol/repository-key.ts';

const label = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const path = fc.array(label, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.join('/')}`);

/** The same repository, spelt in any way. */
const spelling = fc.record({
  prefix: fc.constantFrom('', 'mirror::'),
  upper: fc.boolean(),
  dot: fc.constantFrom('', '.'),
  login: fc.constantFrom('', 'ann@', 'ann:secret@'),
  port: fc.boolean(),
  ends: fc.constantFrom('', '/', '//', '.git', '.git/', '/.git'),
});

describe('the key of a repository', () => {
  test('is the same however a web URL is spelt', () => {
    const scheme = fc.constantFrom(['https', '443'], ['http', '80']);
    fc.assert(
      fc.property(scheme, host, path, spelling, ([name = '', own = ''], at, where, as) => {
        const server = `${as.upper ? at.toUpperCase() : at}${as.dot}${as.port ? `:${own}` : ''}`;
        const shown = as.upper ? name.toUpperCase() : name;
        const spelt = `${as.prefix}${shown}://${as.login}${server}${where}${as.ends}`;
        expect(repositoryKey(spelt)).toBe(repositoryKey(`${name}://${at}${where}`));
      }),
    );
  });

  test('is another one for another scheme, host, port or path', () => {
    const url = fc.tuple(fc.constantFrom('http', 'https', 'ssh', 'git'), host, fc.constantFrom(81, 82), path);
    fc.assert(
      fc.property(url, url, (one, other) => {
        const [first, second] = [one, other].map(
          ([scheme, at, port, where]) => `${scheme}://${at}:${port}${where}`,
        );
        const isSame = JSON.stringify(one) === JSON.stringify(other);
        expect(repositoryKey(first ?? '') === repositoryKey(second ?? '')).toBe(isSame);
      }),
    );
  });

  test.each([
    ['git@host.example:group/r.git', 'ssh://git@Host.example:22/group/r'],
    ['git@host.example:/group/r', 'git+ssh://git@host.example/group/r.git'],
    ['[::1]:r', 'ssh://[::1]/r'],
    ['ssh://git:secret@h/r', 'ssh://git@h/r'],
    ['/srv/git/r.git', '/srv/git/r/'],
  ])('%s is %s', (one, other) => expect(repositoryKey(one)).toBe(repositoryKey(other)));

  test.each([
    ['ssh://ann@h/r', 'ssh://bob@h/r'],
    ['https://h/R', 'https://h/r'],
    ['https://h/r', 'https://h.example/r'],
    ['https://h/r?a', 'https://h/r?b'],
  ])('%s is not %s', (one, other) => expect(repositoryKey(one)).not.toBe(repositoryKey(other)));
});
