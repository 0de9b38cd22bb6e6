import { describe, expect, test } from 'vitest';
import { conflictError, keptLine } from '../../../src/merge/wording.ts';
import type { Exchanged } from '../../../src/sync/exchange.ts';
import { syncedLine } from '../../../src/sync/wording.ts';

const [OLD, NEW] = ['1'.repeat(40), '2'.repeat(40)];
const PAIR = { remote: 'origin', branch: 'main', remoteRef: 'refs/heads/main' };
const by = (kind: Exchanged['kind'], before: string | null = OLD): Exchanged => ({
  kind,
  before,
  after: NEW,
  kept: [],
});

describe('syncedLine', () => {
  test.each([
    [by('nothing'), false, 'main: no commit yet, here or at origin'],
    [by('up-to-date'), true, 'main is up to date with origin'],
    [by('forwarded'), false, 'main brought forward from origin, from 111111111111 to 222222222222'],
    [by('forwarded', null), false, 'main brought forward from origin, at 222222222222'],
    [by('pushed'), true, 'main would be pushed to origin, at 222222222222'],
    [by('merged'), false, 'main merged with origin, from 111111111111 to 222222222222, and pushed'],
  ])('%j, rehearsed: %s', (exchanged, isRehearsal, line) =>
    expect(syncedLine({ ...exchanged, ...PAIR }, isRehearsal)).toBe(line),
  );

  test('names the branch of the remote where it is called otherwise', () => {
    const told = syncedLine({ ...by('pushed'), ...PAIR, remoteRef: 'refs/heads/trunk' }, false);
    expect(told).toBe('main pushed to origin/trunk, at 222222222222');
  });
});

test('of many files some are named, and none holds a control character', () => {
  const paths = ['a\u001b[31m', 'b', 'c', 'd', 'e', 'f', 'g'];
  expect(conflictError(paths, '').message).toBe(
    'cannot be merged: a?[31m, b, c, d, e and 2 more; nothing was changed',
  );
  // One character for each byte, of UTF-8.
  const path = Buffer.from('ä').toString('latin1');
  expect(keptLine({ path, aside: null })).toBe(
    'ä could not be merged: one version stays, what the other side made of it is in the history',
  );
});
