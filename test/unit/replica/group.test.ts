import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfigList } from '../../../src/config/entries.ts';
import {
  checkId,
  type Group,
  isPrimary,
  isPublished,
  quorum,
  ROLES,
  readGroup,
  writeGroup,
} from '../../../src/replica/group.ts';
import { makeSandbox } from '../../helpers/sandbox.ts';

const id = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/);
const url = fc.stringMatching(/^[ -~äé]{1,60}$/);
const member = fc.record({ id, url, role: fc.constantFrom(...ROLES) });
const group: fc.Arbitrary<Group> = fc.record({
  name: id,
  uid: fc.stringMatching(/^[0-9a-f]{16}$/),
  coordinator: fc.constantFrom('git', 'etcd:10.0.0.1:2379,10.0.0.2:2379'),
  arbiter: id,
  publish: fc.constant(['refs/heads/', 'refs/tags/']),
  members: fc.uniqueArray(member, { selector: (one) => one.id, minLength: 1, maxLength: 5 }),
});

describe('the document', () => {
  test('is read by git as it was written, whatever a URL holds', async () => {
    const sandbox = makeSandbox();
    try {
      await fc.assert(
        fc.asyncProperty(group, async (one) => {
          const listed = await sandbox.git(['config', '--file', '-', '--list', '-z'], {
            input: writeGroup(one),
          });
          expect(readGroup(parseConfigList(listed.stdout))).toEqual(one);
        }),
        { numRuns: 40 },
      );
    } finally {
      await sandbox.close();
    }
  });

  test('is the same text for the same group', () => {
    fc.assert(
      fc.property(group, (one) => {
        expect(writeGroup(structuredClone(one))).toBe(writeGroup(one));
      }),
    );
  });

  test('is refused with a member that has no URL or an unknown role', () => {
    const entries = (text: string) => parseConfigList(text.split(' ').join('\0').replaceAll('=', '\n'));
    expect(readGroup(entries(''))).toBeNull();
    expect(() => readGroup(entries('replica.group=g replica.eu.role=primary'))).toThrow(
      /replica\.eu is no member/,
    );
    expect(() => readGroup(entries('replica.group=g replica.eu.url=x replica.eu.role=king'))).toThrow(
      /no member/,
    );
  });
});

test('ids are what ref names, configuration and people can bear', () => {
  for (const good of ['eu', 'eu-1', '0', 'a'.repeat(32)]) expect(checkId('an id', good)).toBe(good);
  for (const bad of [
    '',
    'EU',
    '-x',
    'x-',
    'a b',
    'a;b',
    '$(x)',
    '../x',
    'ä',
    'a'.repeat(33),
    'a\nb',
    'x.lock',
  ])
    expect(() => checkId('the id of a member', bad)).toThrow(expect.objectContaining({ code: 'usage' }));
});

test('a quorum is more than half of the primaries, and two quorums share one', () => {
  fc.assert(
    fc.property(group, (one) => {
      const primaries = one.members.filter(isPrimary).length;
      expect(2 * quorum(one)).toBeGreaterThan(primaries);
      expect(quorum(one)).toBeLessThanOrEqual(Math.max(primaries, 1));
    }),
  );
});

test("only what is published is kept alike, and the group's own refs never are", () => {
  const of = (ref: string) => isPublished({ publish: ['refs/heads/', 'refs/tags/', 'refs/notes/'] }, ref);
  expect(['refs/heads/a', 'refs/tags/v1', 'refs/notes/commits'].every(of)).toBe(true);
  expect(
    ['refs/gam/state/heads/a', 'refs/mirror/x/heads/a', 'refs/headsx', 'HEAD', 'refs/stash'].some(of),
  ).toBe(false);
});
