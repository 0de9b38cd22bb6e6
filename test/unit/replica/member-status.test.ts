import { describe, expect, test } from 'vitest';
import { type Asked, memberStatus } from '../../../src/replica/member-status.ts';
import type { Queued } from '../../../src/replica/queue.ts';
import type { Sighting } from '../../../src/replica/sightings.ts';

const NOW = 1_800_000_000_000;
const us = { id: 'us', url: 'https://u:p@us.example/x', role: 'primary' } as const;
const self = { id: 'eu', url: '/x', role: 'primary' } as const;
const HAS = 'a'.repeat(40);

const at = (ms: number) => new Date(NOW - ms).toISOString();
const asked = (refs: readonly string[]): Asked => ({
  latencyMs: 3,
  reason: null,
  strangers: new Set<string>(),
  refsUnlike: null,
  apart: [],
  lags: refs.map((ref) => ({
    ref,
    has: HAS,
    meant: null,
  })),
});
const sighting = (refs: readonly string[], agoMs: number): Sighting => ({
  member: 'us',
  current: NOW - 9e3,
  silent: null,
  lags: refs.map((ref) => ({
    ref,
    has: HAS,
    since: NOW - agoMs,
  })),
});
const entry = (refs: readonly string[], agoMs: number): Queued =>
  ({ member: 'us', refs: new Set(refs), since: NOW - agoMs }) as unknown as Queued;
const statusOf = (lags: readonly string[], queue: readonly string[] | null) =>
  memberStatus(us, self, asked(lags), {
    entry: queue === null ? undefined : entry(queue, 60_000),
    failure: null,
    sighting: sighting(lags, 1000),
    now: NOW,
  });

describe('a member is behind', () => {
  test('since a look first showed it, where nothing older is known', () => {
    expect(statusOf(['refs/a'], null)).toMatchObject({
      state: 'behind',
      since: at(1000),
      lastCurrent: at(9000),
    });
  });

  test('since the push whose refs are all still queued for it, which may have been before any look', () => {
    const status = statusOf(['refs/a', 'refs/b'], ['refs/a']);
    expect(status).toMatchObject({ since: at(60_000), queued: 1, queuedMs: 60_000 });
    // When each of them was, the queue does not tell.
    expect(status.refs?.map(({ since }) => since)).toEqual([at(1000), at(1000)]);
  });

  test('but not since a push of which it has got something: that note may be of what it has', () => {
    expect(statusOf(['refs/a'], ['refs/a', 'refs/b']).since).toBe(at(1000));
  });
});

test('a member of which nothing is known is not called current, nor one that is retired asked for', () => {
  const known = { entry: undefined, failure: null, sighting: undefined, now: NOW };
  expect(memberStatus(us, self, null, known)).toMatchObject({
    state: 'unknown',
    refsBehind: null,
    refs: null,
  });
  const unknown = { ...asked([]), lags: null, refsUnlike: 2 };
  expect(memberStatus(us, self, unknown, known)).toMatchObject({ state: 'unknown', refsUnlike: 2 });
  expect(memberStatus({ ...us, role: 'retired' }, self, null, known).state).toBe('retired');
  expect(memberStatus(us, self, asked([]), known)).toMatchObject({
    state: 'current',
    url: 'https://us.example/x',
  });
});
