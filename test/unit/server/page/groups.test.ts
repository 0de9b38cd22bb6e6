import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shownGroup } from '../../../../src/server/page/gather-group.ts';
import { renderJson, renderPage } from '../../../../src/server/page/page.ts';
import type { ShownGroup, ShownMember, Status } from '../../../../src/server/page/status.ts';
import { CURRENT } from '../../../helpers/current-member.ts';

const NOW = '2026-11-22T03:00:00.000Z';
const ago = (seconds: number) => new Date(Date.parse(NOW) - seconds * 1000).toISOString();

function status(groups: ShownGroup[]): Status {
  const counts = { requests: 0, bytesIn: 0, bytesOut: 0, errors: 0, refused: 0, running: 0, waiting: 0 };
  const server = { version: '0.1.0', git: '2.39.5', startedAt: NOW, now: NOW, ...counts };
  return { kind: 'folder', server, lists: [], groups, copies: null, truncated: false, repositories: [] };
}

function member(id: string, changes: Partial<ShownMember> = {}): ShownMember {
  return {
    ...CURRENT,
    id,
    url: `https://${id}.example/x`,
    queuedSince: null,
    ...changes,
  };
}

function group(members: ShownMember[], changes: Partial<ShownGroup> = {}): ShownGroup {
  const coordinator = { kind: 'git', arbiter: 'eu', healthy: true, reason: null, latencyMs: 12 };
  return {
    path: '/x.git',
    name: 'demo',
    self: 'eu',
    seenAt: ago(4),
    coordinator,
    members,
    locks: [],
    ...changes,
  };
}

const shownIn = (of: Status) =>
  (JSON.parse(renderJson(of)) as { shown: Record<string, [string, string | null]> }).shown;
const textOf = (groups: ShownGroup[]) => (key: string) => shownIn(status(groups))[`group /x.git ${key}`];

describe('the groups on the page', () => {
  test('have no section where there are none', () => {
    expect(renderPage(status([]), 'n')).not.toContain('Groups');
    expect(renderPage(status([group([member('eu')])]), 'n')).toContain('<h2 id="groups">Groups</h2>');
  });

  test('tell of each member how it stands, for how long, and what is queued for it', () => {
    const text = textOf([
      group([
        member('eu', { self: true }),
        member('us', { state: 'behind', refsBehind: 2, since: ago(200), queued: 2, queuedSince: ago(300) }),
        member('asia', { state: 'diverged', refsBehind: 3, refsDiverged: 1, since: ago(20) }),
        member('old', {
          state: 'unreachable',
          refsBehind: null,
          since: ago(7200),
          reason: 'no answer for 10 s',
        }),
      ]),
    ]);
    expect(text('eu state')).toEqual(['current', 'same']);
    expect(text('us state')).toEqual(['behind at 2 refs', 'behind']);
    expect(text('us why')).toEqual(['for 3 min at least', null]);
    expect(text('us queue')).toEqual(['2 refs, the oldest for 5 min', null]);
    expect(text('asia state')).toEqual(['diverged at 1 ref', 'failed']);
    expect(text('old state')).toEqual(['not reached', 'failed']);
    expect(text('old why')).toEqual(['for 2 h at least: no answer for 10 s', null]);
    expect(text('coordinator')).toEqual(['answers in 12 ms', 'same']);
    expect(text('locks')).toEqual(['none', null]);
  });

  test('name a few locks in one part, so that the page need not be loaded again for each', () => {
    const lock = (n: number) => ({ ref: `refs/heads/${n}`, holder: 'us', since: ago(3), leaseMs: 15_000 });
    const some = [1, 2, 3, 4, 5].map(lock);
    expect(textOf([group([], { locks: some })])('locks')?.[0]).toBe(
      'refs/heads/1 by us for 3 s (lease 15 s), refs/heads/2 by us for 3 s (lease 15 s), refs/heads/3 by us for 3 s (lease 15 s), 2 more',
    );
    const keys = (locks: ShownGroup['locks']) => Object.keys(shownIn(status([group([], { locks })])));
    expect(keys(some)).toEqual(keys(null));
  });

  test('that nobody has looked at yet are there, and nothing is said of how they are', () => {
    const coordinator = { kind: 'etcd', arbiter: null, healthy: null, reason: null, latencyMs: null };
    const unseen = member('us', { state: 'unknown', refsBehind: null });
    const text = textOf([group([unseen], { seenAt: null, coordinator, locks: null })]);
    for (const key of ['us state', 'coordinator']) expect(text(key)).toEqual(['not yet known', 'unknown']);
    expect(text('locks')?.[0]).toBe('not known');
  });

  test('have the tags that they always have, whatever stands in a configuration', () => {
    const tags = (page: string) =>
      (page.match(/<!--|<\/?[a-z!][^<>]*>/gi) ?? []).map((tag) => tag.replaceAll(/="[^"]*"/g, '='));
    const made = (word: string) =>
      renderPage(
        status([
          group(
            [member(word, { role: word, url: `https://x.example/${word}`, reason: word, since: ago(1) })],
            {
              path: `/${word}`,
              name: word,
              self: word,
              coordinator: {
                kind: word,
                arbiter: word,
                healthy: false,
                reason: word,
                latencyMs: null,
              },
              locks: [
                {
                  ref: word,
                  holder: word,
                  since: ago(1),
                  leaseMs: 1,
                },
              ],
            },
          ),
        ]),
        'nonce',
      );
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('</script>', '<!--', '"><img src=x onerror=alert(1)>', '\u202e'),
    );
    const expected = tags(made('plain'));
    fc.assert(
      fc.property(text, (word) => {
        expect(tags(made(word))).toEqual(expected);
      }),
    );
  });
});

test('neither a password, nor a folder of this machine is shown', () => {
  const at = { role: 'follower', self: false, since: null, queued: 0, queuedMs: null } as const;
  const down = { state: 'unreachable', refsBehind: null, refsDiverged: null } as const;
  const reason = "cannot be reached: '/srv/secret.git' does not appear to be a git repository";
  const web =
    "cannot be reached: unable to access 'https://us.example/x.git/': Could not resolve host: us.example";
  const shown = shownGroup({
    path: '/x.git',
    seenAt: Date.parse(NOW),
    group: {
      group: 'demo',
      self: 'eu',
      locks: null,
      coordinator: {
        kind: 'git',
        arbiter: 'eu',
        healthy: false,
        reason,
        latencyMs: null,
      },
      members: [
        {
          ...at,
          ...down,
          id: 'here',
          url: '/srv/secret.git',
          reason,
        },
        {
          ...at,
          ...down,
          id: 'us',
          url: 'https://user:geheim@us.example/x.git',
          reason: web,
        },
      ],
    },
  });
  const text = renderPage(status([shown]), 'n') + renderJson(status([shown]));
  expect(text).not.toMatch(/secret|geheim/);
  expect(shown.members.map((one) => one.reason)).toEqual([
    'the log of the server says why',
    'Could not resolve host: us.example',
  ]);
  expect(shown.coordinator.reason).toBe('the log of the server says why');
});
