import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { shownReason } from '../../../../src/server/page/gather.ts';
import { escapeHtml } from '../../../../src/server/page/html.ts';
import { renderJson, renderPage } from '../../../../src/server/page/page.ts';
import type { ShownCopy, Status } from '../../../../src/server/page/status.ts';

const NOW = '2026-11-22T03:00:00.000Z';

function status(changes: Partial<Status>): Status {
  const counts = { requests: 0, bytesIn: 0, bytesOut: 0, errors: 0, refused: 0, running: 0, waiting: 0 };
  const server = { version: '0.1.0', git: '2.39.5', startedAt: NOW, now: NOW, ...counts };
  return {
    kind: 'cache',
    server,
    lists: [],
    copies: null,
    groups: [],
    truncated: false,
    repositories: [],
    ...changes,
  };
}

function copy(path: string, changes: Partial<ShownCopy> = {}): ShownCopy {
  const at = { confirmedAt: NOW, fetchingSince: null, lastUsedAt: NOW };
  const about = { canonical: `https:/${path}`, state: 'fresh', reason: null, bytes: 2048, hits: 1 } as const;
  return { path, ...about, ...at, ...changes };
}

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('</script>', '"><img src=x onerror=alert(1)>', "' onload='x", '\u202e', '__proto__'),
);

/** What a page is made of: its tags with the names of their attributes. */
function skeleton(page: string): string[] {
  const tags = page.match(/<!--|<\/?[a-z!][^<>]*>/gi) ?? [];
  return tags.map((tag) => tag.replaceAll(/="[^"]*"/g, '='));
}

describe('the page of a cache', () => {
  test('shows copies in place of mirrors, each with its state, and why it is stale', () => {
    const none = { bytes: null, confirmedAt: null, lastUsedAt: null };
    const copies = [
      copy('/h.example/stale', { state: 'stale', reason: 'no answer', confirmedAt: '2026-11-22T02:18:00Z' }),
      copy('/h.example/coming', { state: 'fetching', fetchingSince: NOW, ...none }),
      copy('/h.example/fresh'),
    ];
    const page = renderPage(status({ copies }), 'nonce');
    expect(page).toContain('<p>3 copies, 1 stale</p>');
    expect(page).not.toContain('mirrorList');
    const words = (row: string) =>
      row
        .replaceAll(/<[^>]*>/g, ' ')
        .split(/\s+/)
        .join(' ')
        .trim();
    const rows = [...page.matchAll(/<tr>\n<th scope="row".*?<\/tr>/gs)].map(([row]) => words(row));
    expect(rows).toEqual([
      '/h.example/stale https://h.example/stale stale no answer 42 min ago 2.0 KiB 1 just now',
      '/h.example/coming https://h.example/coming being fetched begun just now - - 1 -',
      '/h.example/fresh https://h.example/fresh fresh just now 2.0 KiB 1 just now',
    ]);
  });

  test('has the tags that it always has, and a place for all that is put in, whatever names and reasons are', () => {
    const made = (word: string) =>
      status({ copies: [copy(`/${word}`, { canonical: `https://x.example/${word}`, reason: word })] });
    const expected = skeleton(renderPage(made('plain'), 'nonce'));
    expect(expected.length).toBeGreaterThan(80);
    fc.assert(
      fc.property(text, (word) => {
        const page = renderPage(made(word), 'nonce');
        expect(skeleton(page)).toEqual(expected);
        const { shown } = JSON.parse(renderJson(made(word))) as { shown: Record<string, [string, string]> };
        for (const [key, [said]] of Object.entries(shown)) {
          expect(page).toContain(`data-live="${escapeHtml(key)}"`);
          expect(page).toContain(escapeHtml(said));
        }
      }),
    );
  });
});

test('before another server the page names no repository, and metrics are above it', () => {
  const page = renderPage(status({ kind: 'upstream' }), 'nonce', '../metrics');
  expect(page).toContain('href="../metrics"');
  expect(page).not.toContain('Repositories in use');
});

test.each([
  ['no answer within 4000 ms', 'no answer within 4000 ms'],
  ["fatal: unable to access 'https://h/x/': Could not resolve host: h", 'Could not resolve host: h'],
  ["fatal: cannot create directory at '/srv/cache/tmp': No space left", 'the log of the server says why'],
  [
    "fatal: unable to access 'https://h/x/': error setting certificate file: /home/ann/ca.pem",
    'the log of the server says why',
  ],
  ['error: cannot run ask-for-it', 'the log of the server says why'],
  ['/srv/cache/https/h/x.git is in the way, which is no copy', 'the log of the server says why'],
])('of %j is shown: %j', (why, shown) => expect(shownReason(why)).toBe(shown));
