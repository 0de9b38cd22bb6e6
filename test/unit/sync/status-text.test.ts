import { describe, expect, test } from 'vitest';
import { layOut } from '../../../src/main/table.ts';
import { type FolderStatus, newStatus } from '../../../src/sync/folder-status.ts';
import type { WatchStatus } from '../../../src/sync/status-file.ts';
import { watchText } from '../../../src/sync/status-text.ts';

const NOW = Date.parse('2026-01-02T12:00:00Z');
const at = (secondsAgo: number) => new Date(NOW - 1000 * secondsAgo).toISOString();

const statusOf = (...folders: FolderStatus[]): WatchStatus => ({
  process: 'p',
  pid: 7,
  started: '2026-01-02T10:20:30.456Z',
  folders,
});
const folder = (dir: string, more: Partial<FolderStatus> = {}): FolderStatus => ({
  ...newStatus(dir),
  state: 'in-step',
  remote: 'origin',
  branch: 'main',
  lastCommit: at(40),
  lastSync: at(3),
  ...more,
});
const told = (...folders: FolderStatus[]) =>
  watchText(
    statusOf(...folders),
    folders.map(({ dir }) => dir),
    NOW,
  );
const cells = (header: string, ...folders: FolderStatus[]) =>
  told(...folders).columns.find((column) => column.header === header)?.cells;

describe('watchText', () => {
  test('where nobody watches, tells what to do next', () => {
    expect(watchText(null, [], NOW)).toMatchObject({
      heading: 'nobody watches, and no folder is on the list: gam watch add <dir>',
      notes: [],
    });
    expect(watchText(null, ['/a', '/\u001bb'], NOW)).toMatchObject({
      heading: 'nobody watches (2 on the list): gam watch start',
      notes: ['  /a', '  /?b'],
    });
  });

  test('names the process, and since when', () => {
    expect(told().heading).toBe('process 7 watches, since 2026-01-02 10:20:30 UTC');
  });

  test.each(['starting', 'in-step', 'working', 'offline', 'waiting', 'problem', 'gone'] as const)(
    'shows a folder that is %s, and why in a line of its own',
    (state) => {
      const one = folder('/notes', { state, why: 'since it is so' });
      expect(cells('STATE', one)).toEqual([state]);
      expect(told(one).notes).toEqual(['/notes: since it is so']);
    },
  );

  test('a folder of which nothing is known yet has dashes', () => {
    const lines = layOut(told(newStatus('/notes')).columns, null);
    expect(lines[1]?.split(/ {2,}/)).toEqual(['starting', '-', '-', '-', '-', '/notes']);
  });

  test.each([
    [0, '0 s ago'],
    [59, '59 s ago'],
    [60, '1 min ago'],
    [3599, '59 min ago'],
    [3600, '1 h ago'],
    [86_399, '23 h ago'],
    [10 * 86_400, '10 d ago'],
    // A clock that was set back.
    [-500, '0 s ago'],
  ])('what was %d seconds ago', (seconds, text) =>
    expect(cells('SYNC', folder('/a', { lastSync: at(seconds) }))).toEqual([text]),
  );

  test('tells what waits', () => {
    const leftOut = [{ path: 'x', why: 'cannot be read' }];
    expect(
      cells(
        'WAITS',
        folder('/a'),
        folder('/b', { ahead: true }),
        folder('/c', { ahead: true, growing: 2, leftOut }),
      ),
    ).toEqual(['-', 'a push', 'a push, 2 being written, 1 left out']);
  });

  test('names what is left out, and files of which both versions were kept', () => {
    const time = at(1);
    const one = folder('/notes', {
      leftOut: [{ path: 'big', why: 'is larger than 100.0 MiB' }],
      kept: [
        { path: 'a', aside: 'a.conflict-12345678', time },
        { path: 'b', aside: null, time },
      ],
    });
    expect(told(one).notes).toEqual([
      '/notes: big is larger than 100.0 MiB: not committed',
      '/notes: a was changed on both sides; the other version is a.conflict-12345678',
      '/notes: b could not be merged; what the other side made of it is in the history',
    ]);
  });

  test('a folder that was put on the list by hand since is not passed over in silence', () => {
    expect(watchText(statusOf(folder('/a')), ['/a', '/b'], NOW).notes).toEqual([
      '/b: on the list, and not watched yet: gam watch stop, gam watch start',
    ]);
  });

  test('in 80 columns rather tells what waits than the branch', () => {
    const away = folder('/home/somebody/notes', { state: 'offline', ahead: true, growing: 1 });
    expect(layOut(told(away).columns, 80)).toEqual([
      'STATE    COMMIT    SYNC     WAITS                    FOLDER',
      'offline  40 s ago  3 s ago  a push, 1 being written  /home/somebody/notes',
    ]);
  });

  test('in 80 columns keeps state and folder, however long the others are', () => {
    const long = folder(`/home/somebody/${'projects/'.repeat(10)}notes`, {
      branch: 'feature/with-a-long-name-that-goes-on-and-on',
      ahead: true,
      growing: 12,
      leftOut: Array.from({ length: 20 }, (_, n) => ({ path: `${n}`, why: 'cannot be read' })),
    });
    const lines = layOut(told(folder('/notes'), long).columns, 80);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
    expect(lines[0]).toMatch(/^STATE .*FOLDER$/);
    expect(lines[1]).toMatch(/^in-step .*\/notes$/);
    expect(lines[2]).toMatch(/^in-step .*\/home\/somebody/);
  });
});
