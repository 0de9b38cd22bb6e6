import { describe, expect, test } from 'vitest';
import { layOutStatus } from '../../../src/main/status-layout.ts';
import type { MemberStatus } from '../../../src/replica/member-status.ts';
import type { GroupStatus } from '../../../src/replica/status.ts';
import { statusText } from '../../../src/replica/status-lines.ts';
import { CURRENT } from '../../helpers/current-member.ts';

const NOW = Date.parse('2026-01-01T12:00:00.000Z');
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

function member(id: string, changes: Partial<MemberStatus> = {}): MemberStatus {
  return {
    ...CURRENT,
    id,
    url: `/srv/${id}.git`,
    refs: [],
    refsUnlike: null,
    lastCurrent: null,
    latencyMs: 5,
    queuedMs: null,
    lastFailure: null,
    apart: [],
    ...changes,
  };
}

function group(members: MemberStatus[], changes: Partial<GroupStatus> = {}): GroupStatus {
  return {
    group: 'demo',
    self: 'eu',
    coordinator: { kind: 'git', arbiter: 'eu', healthy: true, reason: null, latencyMs: 12 },
    members,
    locks: [],
    hooks: { 'pre-receive': 'installed' },
    diverged: [],
    ...changes,
  };
}

const lines = (status: GroupStatus, width: number | null, all = false) =>
  layOutStatus(statusText(status, all, NOW), width);

const LONGEST = 'a-very-long-name-of-a-member-012';
const URL = `ssh://git@a-very-long-host-name.of-a-department.example:2222/srv/repositories/group/project.git`;
const REASON = `cannot be reached: ssh: connect to host a-very-long-host-name.of-a-department.example port 2222: Connection timed out after a while of waiting`;

const SIX = group(
  [
    member('eu', { self: true, url: URL }),
    member(LONGEST, {
      role: 'deprecated',
      state: 'diverged',
      url: URL,
      refsBehind: 2,
      refsDiverged: 1,
      refs: [
        { ref: 'refs/tags/v1', has: null, meant: 'c'.repeat(40), diverged: false, since: null },
        {
          ref: 'refs/heads/main',
          has: 'a'.repeat(40),
          meant: 'b'.repeat(40),
          diverged: true,
          since: ago(200),
        },
      ],
      since: ago(200),
      queued: 12,
      queuedMs: 1_400_000,
    }),
    member('us', {
      url: URL,
      state: 'unreachable',
      refsBehind: null,
      since: ago(90_000),
      reason: REASON,
      lastCurrent: ago(97_000),
    }),
    member('asia', { role: 'follower' }),
    member('africa', { role: 'hosted' }),
    member('old', { role: 'retired', state: 'retired' }),
  ],
  {
    locks: [
      { ref: 'refs/heads/main', holder: 'us', transaction: 'x', since: NOW, leaseMs: 15_000, ageMs: 3000 },
    ],
    hooks: { 'pre-receive': 'installed', 'proc-receive': 'replaced' },
    diverged: ['refs/gam/diverged/heads/main/x'],
  },
);

describe('in 80 columns', () => {
  const shown = lines(SIX, 80);
  const flat = shown.map((line) => line.trim()).join(' ');

  test('no line is longer, but for a URL by itself', () => {
    for (const line of shown) if (line.length > 80) expect(line.trim()).toBe(URL);
  });

  test('names, states, reasons, URLs and what to do are whole', () => {
    for (const words of [LONGEST, REASON, URL, '1 diverged', '12, 23 min', 'last seen current 1 d ago'])
      expect(flat).toContain(words);
    expect(flat).toContain('lock on refs/heads/main, held by us since 3 s, lease 15 s');
    expect(flat).toContain('hook proc-receive is replaced: gam replica reconcile installs it');
    expect(flat).toContain('kept aside here, under refs/gam/diverged/: 1');
    expect(flat).toContain(
      `${LONGEST}: refs/heads/main is aaaaaaaaaa, should be bbbbbbbbbb, for 3 min at least; the group never had that`,
    );
    expect(flat).toContain(`${LONGEST}: refs/tags/v1 is not there, should be cccccccccc`);
    expect(shown.join('\n')).not.toContain('...');
  });

  test('URLs are a column where all fit', () => {
    expect(lines(group([member('eu', { self: true }), member('us')]), 80)).toEqual([
      'demo, seen from eu',
      'coordinator: git, arbiter eu; answers in 12 ms',
      '',
      'MEMBER  ROLE     STATE    SINCE  QUEUE  URL',
      'eu *    primary  current  -      -      /srv/eu.git',
      'us      primary  current  -      -      /srv/us.git',
    ]);
  });
});

test('a pipe gets a line for each thing', () => {
  const piped = lines(SIX, null);
  expect(piped).toContain(`us: ${REASON}; last seen current 1 d ago`);
  expect(piped.filter((line) => line.endsWith(URL))).toHaveLength(3);
});

test('of many refs some are named, those that diverge first, and all when asked for', () => {
  const refs = Array.from({ length: 20 }, (_, n) => ({
    ref: `refs/heads/${n}`,
    has: null,
    meant: 'a'.repeat(40),
    since: null,
    diverged: n === 19,
  }));
  const status = group([member('us', { state: 'diverged', refsBehind: 20, refsDiverged: 1, refs })]);
  const notes = lines(status, null).filter((line) => line.startsWith('us: '));
  expect(notes).toHaveLength(4);
  expect(notes[0]).toContain('refs/heads/19 ');
  expect(notes[3]).toBe('us: 17 more refs are behind; --refs names them');
  expect(lines(status, null, true).filter((line) => line.startsWith('us: '))).toHaveLength(20);
});

test('without the coordinator it is told who answers, and who has the same refs', () => {
  const coordinator = {
    kind: 'git',
    arbiter: 'us',
    healthy: false,
    reason: 'no answer for 10 s',
    latencyMs: null,
  };
  const unknown = { state: 'unknown', refsBehind: null, refsDiverged: null, refs: null } as const;
  const status = group(
    [
      member('eu', { ...unknown, self: true, refsUnlike: 0 }),
      member('asia', { ...unknown, refsUnlike: 0 }),
      member('africa', { ...unknown, refsUnlike: 3 }),
    ],
    { coordinator, locks: null },
  );
  const shown = lines(status, 80);
  expect(shown[1]).toBe('coordinator: git, arbiter us; cannot be asked, and pushes are refused: no answer');
  expect(shown).toContain('asia: all refs are as they are here');
  expect(shown).toContain('africa: 3 refs are not as they are here');
  expect(shown.join('\n')).not.toContain('current');
});

test('what went wrong last is told, unless it is what is wrong now', () => {
  const failure = (reason: string) => ({ at: ago(60), reason });
  const away = { state: 'unreachable', reason: 'cannot be reached: no route' } as const;
  const status = group([
    member('us', { ...away, lastFailure: failure('/srv/us.git cannot be reached: no route') }),
    member('asia', { ...away, lastFailure: failure('the disk is full') }),
    member('africa', { lastFailure: failure('a hook said no') }),
  ]);
  expect(lines(status, null).filter((line) => /^[a-z]+: (?!git)/.test(line))).toEqual([
    'us: cannot be reached: no route',
    'asia: cannot be reached: no route',
    'asia: failed 1 min ago: the disk is full',
    'africa: failed 1 min ago: a hook said no',
  ]);
});
