import { describe, expect, test } from 'vitest';
import { readMirrorList } from '../../../../src/config/mirror-list.ts';
import type { FoundList } from '../../../../src/server/page/find-lists.ts';
import type { Seen } from '../../../../src/server/page/look.ts';
import { LOOK_EVERY, Lookout } from '../../../../src/server/page/lookout.ts';
import { Tally } from '../../../../src/server/page/tally.ts';

function listOf(...urls: string[]): FoundList {
  const entries = urls.map((value, index) => ({
    section: 'mirrorlist',
    subsection: `m${index}`,
    name: 'url',
    value,
  }));
  return { path: '/x.git', gitDir: '/srv/x.git', settings: readMirrorList(entries).settings, entries };
}

/** A world where looks are answered by hand, and time stands still until it is moved. */
function world() {
  const looks: { url: string; answer: (seen: Seen | Error) => void }[] = [];
  const warnings: string[] = [];
  const clock = { now: Date.parse('2026-11-22T03:00:00Z') };
  const look = (_: FoundList, url: string, signal: AbortSignal): Promise<Seen> =>
    new Promise((resolve, reject) => {
      const answer = (seen: Seen | Error) => (seen instanceof Error ? reject(seen) : resolve(seen));
      looks.push({ url, answer });
      signal.addEventListener('abort', () => answer(new Error('aborted')));
    });
  const lookout = new Lookout(
    look,
    (line) => void warnings.push(line),
    () => clock.now,
  );
  const settled = () => new Promise((resolve) => void setImmediate(resolve));
  return { looks, warnings, clock, lookout, settled };
}

const SAME: Seen = { state: 'same', behind: 0, reason: null };
const GONE = new Error('hung\u001b up');

describe('a lookout', () => {
  test('looks at one mirror after the other, and at none again within ten minutes', async () => {
    const { clock, lookout, looks, settled } = world();
    const list = listOf('https://a.example/x', 'https://b.example/x', 'https://a.example/x');
    lookout.watch([list]);
    lookout.watch([list]);
    expect(looks.map(({ url }) => url)).toEqual(['https://a.example/x']);
    looks[0]?.answer(SAME);
    await settled();
    expect(looks.map(({ url }) => url)).toEqual(['https://a.example/x', 'https://b.example/x']);
    looks[1]?.answer(SAME);
    await settled();
    clock.now += LOOK_EVERY - 1;
    lookout.watch([list]);
    await settled();
    expect(looks).toHaveLength(2);
    clock.now += 1;
    lookout.watch([list]);
    await settled();
    expect(looks).toHaveLength(3);
    expect(lookout.of(list, 'https://a.example/x')).toEqual({
      state: 'same',
      behind: 0,
      reason: null,
      lookedAt: '2026-11-22T03:00:00.000Z',
    });
    await lookout.stop();
  });

  test('warns of a mirror that does not answer once, without login or control character, until it is back', async () => {
    const { clock, lookout, looks, settled, warnings } = world();
    const list = listOf('https://user@a.example/x?token=secret');
    for (const seen of [GONE, GONE, SAME, GONE]) {
      lookout.watch([list]);
      await settled();
      looks.at(-1)?.answer(seen);
      await settled();
      clock.now += LOOK_EVERY;
    }
    const line = '/x.git: no answer from its mirror https://a.example/x: hung? up';
    expect(warnings).toEqual([line, line]);
  });

  test('forgets what is no longer listed', async () => {
    const { lookout, looks, settled } = world();
    const list = listOf('https://a.example/x');
    lookout.watch([list]);
    looks[0]?.answer(SAME);
    await settled();
    lookout.watch([]);
    expect(lookout.of(list, 'https://a.example/x').state).toBe('unknown');
  });

  test('ends its look when it is stopped, and begins none', async () => {
    const { lookout, looks, warnings } = world();
    lookout.watch([listOf('https://a.example/x', 'https://b.example/x')]);
    await lookout.stop();
    expect([looks.length, warnings]).toEqual([1, []]);
  });
});

test('a tally remembers the repositories that were used last, and is in the order of their paths', () => {
  const tally = new Tally(2);
  const exchange = { began: 0, bytesIn: 1, bytesOut: 10 };
  for (const path of ['/c', '/a', '/c', '/b']) tally.count(path, exchange);
  expect(tally.usages.map(({ path, requests, bytesOut }) => [path, requests, bytesOut])).toEqual([
    ['/b', 1, 10],
    ['/c', 2, 20],
  ]);
});
