import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLocation } from '../../../../src/protocol/location.ts';
import { escapeHtml, html } from '../../../../src/server/page/html.ts';
import { renderJson, renderPage } from '../../../../src/server/page/page.ts';
import type { Freshness, ShownList, ShownMirror, Status } from '../../../../src/server/page/status.ts';

const NOW = '2026-11-22T03:00:00.000Z';

function mirror(id: string, changes: Partial<ShownMirror> & { at?: string } = {}): ShownMirror {
  const { at, ...rest } = changes;
  const place = at === undefined ? null : parseLocation(at);
  const freshness: Freshness = { state: 'unknown', behind: null, reason: null, lookedAt: null };
  const location = {
    location: at ?? null,
    latitude: place?.latitude ?? null,
    longitude: place?.longitude ?? null,
  };
  return {
    id,
    url: `https://${id}.example/x`,
    ...location,
    priority: null,
    weight: 1,
    state: 'current',
    freshness,
    ...rest,
  };
}

function list(path: string, mirrors: ShownMirror[], changes: Partial<ShownList> = {}): ShownList {
  const about = { state: 'current', successor: null, policy: 'fixed', limit: 10, prefer: null } as const;
  return { path, canonical: ['https://far.example/x'], ...about, ttlSeconds: 60, mirrors, ...changes };
}

function status(lists: ShownList[], changes: Partial<Status> = {}): Status {
  const counts = { requests: 0, bytesIn: 0, bytesOut: 0, errors: 0, refused: 0, running: 0, waiting: 0 };
  const server = { version: '0.1.0', git: '2.39.5', startedAt: NOW, now: NOW, ...counts };
  return {
    kind: 'folder',
    server,
    lists,
    copies: null,
    groups: [],
    truncated: false,
    repositories: [],
    ...changes,
  };
}

const shownIn = (of: Status) =>
  (JSON.parse(renderJson(of)) as { shown: Record<string, [string, string | null]> }).shown;

// What any text, wherever it comes from, looks like on the page and in its document.
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom(
    '</script>',
    '<!--',
    '"><img src=x onerror=alert(1)>',
    "' onload='x",
    '&lt;',
    '\u202e',
    '__proto__',
  ),
);

/** What a page is made of: its tags with the names of their attributes; the text between them is left out. */
function skeleton(page: string): string[] {
  const tags = page.match(/<!--|<\/?[a-z!][^<>]*>/gi) ?? [];
  return tags.map((tag) => tag.replaceAll(/="[^"]*"/g, '='));
}

describe('whatever stands in a configuration,', () => {
  const made = (word: string) =>
    status(
      [
        list(`/${word}`, [mirror(word, { url: `https://x.example/${word}`, at: 'DE' })], {
          canonical: [`https://far.example/${word}`],
          state: 'moved',
          successor: `https://new.example/${word}`,
        }),
      ],
      { repositories: [{ path: `/${word}`, requests: 1, bytesIn: 1, bytesOut: 1, lastUsedAt: NOW }] },
    );

  test('the page has the tags and attributes that it always has', () => {
    const expected = skeleton(renderPage(made('plain'), 'nonce'));
    expect(expected.length).toBeGreaterThan(80);
    fc.assert(
      fc.property(text, (word) => {
        expect(skeleton(renderPage(made(word), 'nonce'))).toEqual(expected);
      }),
    );
  });

  test('a template puts in nothing that ends what it stands in', () => {
    fc.assert(
      fc.property(text, (word) => {
        expect(escapeHtml(word)).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)|[\u0000-\u001f\u202e]/);
        expect(html`<p title="${word}">${[word]}</p>`.text).toBe(
          `<p title="${escapeHtml(word)}">${escapeHtml(word)}</p>`,
        );
      }),
    );
  });

  test.each([
    'javascript:alert(1)',
    'data:text/html,x',
    'ssh://git@x.example/y',
    'git://x.example/y',
    ' https://x',
  ])('%s is no link', (url) => {
    const page = renderPage(status([list('/x', [mirror('m', { url })], { canonical: [] })]), 'nonce');
    expect(page).toContain(escapeHtml(url));
    expect([...page.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual([
      'data:,',
      '',
      'status.json',
      'metrics',
    ]);
  });
});

describe('the page shows', () => {
  test('a dot for each place, coloured by the mirror that is worst off', () => {
    const at = (state: Freshness['state']): Partial<ShownMirror> => ({
      freshness: { state, behind: state === 'behind' ? 2 : 0, reason: null, lookedAt: NOW },
    });
    const page = renderPage(
      status([
        list('/x', [
          mirror('one', { at: 'DE', ...at('same') }),
          mirror('two', { at: 'DE', ...at('behind') }),
          mirror('three', { at: '0,180' }),
          mirror('nowhere'),
        ]),
      ]),
      'nonce',
    );
    const dots = [...page.matchAll(/<circle class="dot" cx="(\d+)"[^>]* data-state="(\w+)"><title>([^<]*)/g)];
    expect(dots.map(([, x, state, title]) => [Number(x) === 1800, state, title])).toEqual([
      [false, 'behind', 'Germany (DE): 2 mirrors, one: same, two: behind by 2 refs'],
      [true, 'unknown', '0, 180: 1 mirror, three: not yet known'],
    ]);
    expect(page).toContain('1 mirror without a location is not on the map.');
  });

  test('the far south only where a mirror is there, and no map where no mirror says where it is', () => {
    const height = (at: string) => {
      const page = renderPage(status([list('/x', [mirror('m', { at })])]), 'nonce');
      return Number(/viewBox="\S+ \S+ \S+ (\d+)"/.exec(page)?.[1]);
    };
    expect(height('-89,0')).toBeGreaterThan(height('-40,0'));
    expect(renderPage(status([list('/x', [mirror('m')])]), 'nonce')).not.toContain('<svg');
  });

  test('a thousand mirrors folded up, and few of them not', () => {
    const page = (count: number) => {
      const mirrors = Array.from({ length: count }, (_, index) => mirror(`m${index}`));
      return renderPage(status([list('/x', mirrors)]), 'nonce');
    };
    expect(page(1000)).toContain('<details><summary>1,000 mirrors</summary>');
    expect(page(3)).toContain('<details open><summary>3 mirrors</summary>');
  });

  test('which mirrors are told last, and which are not told', () => {
    const mirrors = [mirror('a', { state: 'deprecated' }), mirror('b', { state: 'refusing' }), mirror('c')];
    const page = renderPage(status([list('/x', mirrors)]), 'nonce');
    const names = [...page.matchAll(/data-label="Mirror"><bdi>(\w)<\/bdi>(.*?)<\/th>/g)];
    expect(names.map(([, id, said]) => [id, said])).toEqual([
      ['a', ' <small>deprecated: told last</small>'],
      ['b', ' <small>not told</small>'],
      ['c', ''],
    ]);
  });

  test('how to begin where no repository lists mirrors', () => {
    expect(renderPage(status([]), 'nonce')).toContain('git config mirrorList.enabled true\n');
  });
});

test('what the script puts in has a place on the page, with the same text, whatever the names are', () => {
  fc.assert(
    fc.property(fc.uniqueArray(text, { minLength: 1, maxLength: 4 }), (names) => {
      const one = status([
        list(
          '/x',
          names.map((name) => mirror(name, { at: 'DE' })),
        ),
      ]);
      const page = renderPage(one, 'nonce');
      const keys = [...page.matchAll(/data-live="([^"]*)"/g)].map(([, key]) => key);
      // What differs in unprintable characters alone is one to a reader, too; a configuration cannot hold them.
      expect(new Set(keys)).toEqual(new Set(Object.keys(shownIn(one)).map(escapeHtml)));
      for (const [said] of Object.values(shownIn(one))) expect(page).toContain(escapeHtml(said));
    }),
  );
});
