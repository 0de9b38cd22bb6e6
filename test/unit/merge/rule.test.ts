import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { writeCommit } from 'isomorphic-git';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type MergeParts, mergeCommit } from '../../../src/merge/rule.ts';

let gitdir: string;
beforeAll(() => {
  gitdir = mkdtempSync(join(tmpdir(), 'gam-rule-'));
});
afterAll(() => rmSync(gitdir, { recursive: true }));

const oid = fc.string({
  unit: fc.constantFrom(...'0123456789abcdef'.split('')),
  minLength: 40,
  maxLength: 40,
});
const parts: fc.Arbitrary<MergeParts> = fc.record({
  tree: oid,
  parents: fc.tuple(oid, oid),
  date: fc.nat(2 ** 31),
  settling: fc.oneof(
    fc.constant({ kind: 'clean' as const }),
    fc.constant({ kind: 'keep-both' as const }),
    fc.record({ kind: fc.constant('prefer' as const), oid }),
  ),
});

describe('mergeCommit', () => {
  test('is of these bytes; others would be another rule', () => {
    const [a, b, tree] = ['a'.repeat(40), 'b'.repeat(40), 'c'.repeat(40)];
    expect(mergeCommit({ tree, parents: [a, b], date: 7, settling: { kind: 'keep-both' } })).toBe(
      `tree ${tree}\nparent ${a}\nparent ${b}\n` +
        'author gam <merge@gam.invalid> 7 +0000\ncommitter gam <merge@gam.invalid> 7 +0000\n\n' +
        `Merge ${a} and ${b}\n\nWhoever merges these gets this very commit.\n\n` +
        'Gam-Conflicts: keep-both\nGam-Merge: 1\n',
    );
  });

  test('is a commit as another implementation writes it', async () => {
    await fc.assert(
      fc.asyncProperty(parts, async (made) => {
        const text = mergeCommit(made);
        const by = { name: 'gam', email: 'merge@gam.invalid', timestamp: made.date, timezoneOffset: 0 };
        const message = text.slice(text.indexOf('\n\n') + 2);
        const commit = { message, tree: made.tree, parent: [...made.parents], author: by, committer: by };
        const id = createHash('sha1').update(`commit ${text.length}\0${text}`).digest('hex');
        expect(await writeCommit({ fs, gitdir, commit })).toBe(id);
      }),
    );
  });
});
