import { describe, expect, test } from 'vitest';
import { type CloneRef, type RemoteFetch, viewRefs } from '../../../src/mirror/view-refs.ts';

const ORIGIN: RemoteFetch = {
  remote: 'origin',
  refspecs: ['+refs/heads/*:refs/remotes/origin/*'],
  tags: true,
  hidden: [],
};

function ref(name: string, symref = ''): CloneRef {
  return { name, oid: name.length.toString(16).padStart(40, '0'), symref, peeled: '' };
}

function seen(refs: readonly CloneRef[], fetch: Partial<RemoteFetch> = {}) {
  const view = viewRefs(refs, { ...ORIGIN, ...fetch });
  return { names: view.refs.map(({ name }) => name), head: view.head };
}

const CLONE = [
  ref('refs/heads/main'),
  ref('refs/heads/private'),
  ref('refs/mirror/eu.example/heads/main'),
  ref('refs/remotes/origin/HEAD', 'refs/remotes/origin/trunk'),
  ref('refs/remotes/origin/side'),
  ref('refs/remotes/origin/trunk'),
  ref('refs/remotes/other/theirs'),
  ref('refs/stash'),
  ref('refs/tags/v1'),
];

describe('the refs of a remote, out of those of its clone', () => {
  test('are what was fetched from it, under the names that they have there', () => {
    expect(seen(CLONE)).toEqual({
      names: ['refs/heads/side', 'refs/heads/trunk', 'refs/tags/v1'],
      head: 'refs/heads/trunk',
    });
    expect(
      seen(CLONE, { remote: 'other', refspecs: ['+refs/heads/*:refs/remotes/other/*'], tags: false }),
    ).toEqual({
      names: ['refs/heads/theirs'],
      head: 'refs/heads/theirs',
    });
  });

  test('leave out what the clone hides, and a HEAD that leads there', () => {
    expect(seen(CLONE, { hidden: ['refs/remotes/origin/trunk', 'refs/tags'] })).toEqual({
      names: ['refs/heads/side'],
      head: 'refs/heads/side',
    });
  });

  test('never have what was staged, nor two of one name', () => {
    expect(seen(CLONE, { refspecs: ['+refs/*:refs/*'] }).names).not.toContain(
      'refs/mirror/eu.example/heads/main',
    );
    const twice = [ref('refs/a/x'), ref('refs/b/x'), ref('refs/tags/v1')];
    const refspecs = ['refs/heads/*:refs/a/*', 'refs/heads/*:refs/b/*', 'refs/tags/*:refs/tags/*'];
    expect(seen(twice, { refspecs }).names).toEqual(['refs/heads/x', 'refs/tags/v1']);
  });

  test('stand in the order of their bytes, which git searches them by', () => {
    const names = [
      'refs/remotes/origin/a',
      'refs/remotes/origin/a-b',
      'refs/remotes/origin/a/b',
      'refs/remotes/origin/é',
    ];
    expect(seen(names.map((name) => ref(name))).names).toEqual([
      'refs/heads/a',
      'refs/heads/a-b',
      'refs/heads/a/b',
      'refs/heads/é',
    ]);
    expect(seen([ref('refs/remotes/origin/\u{ff5e}'), ref('refs/remotes/origin/\u{1f600}')]).names).toEqual([
      'refs/heads/\u{ff5e}',
      'refs/heads/\u{1f600}',
    ]);
  });

  test('are none of a remote from which nothing has come', () => {
    expect(seen([ref('refs/heads/main')], { tags: false })).toEqual({ names: [], head: null });
  });
});
