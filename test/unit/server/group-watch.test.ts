import { describe, expect, test } from 'vitest';
import { GroupWatch, LOOK_EVERY } from '../../../src/server/group-watch.ts';
import type { GroupSource, SeenGroup, SeenMember } from '../../../src/server/groups.ts';
import { CURRENT } from '../../helpers/current-member.ts';

function member(id: string, changes: Partial<SeenMember> = {}): SeenMember {
  return {
    ...CURRENT,
    id,
    url: `https://${id}.example/x`,
    queuedMs: null,
    ...changes,
  };
}

const healthy = { kind: 'git', arbiter: 'eu', healthy: true, reason: null, latencyMs: 5 };
const seen = (reason: string | null = null): SeenGroup => ({
  group: 'demo',
  self: 'eu',
  coordinator: healthy,
  locks: [],
  members: [
    member('us', {
      reason,
      state: reason === null ? 'current' : 'unreachable',
    }),
  ],
});

/** A watch of repositories whose groups are looked at as the test says. */
function watched(look: GroupSource['look'], paths: readonly string[] = ['/a']) {
  const asked: string[] = [];
  const warned: string[] = [];
  let walks = 0;
  let time = 0;
  const source: GroupSource = {
    mayBeMember: (gitDir) => gitDir !== '/srv/plain',
    open: async () => seen(),
    look: (gitDir, signal) => {
      asked.push(gitDir);
      return look(gitDir, signal);
    },
  };
  const watch = new GroupWatch({
    source,
    repositories: async () => {
      walks += 1;
      return paths.map((path) => ({ path, gitDir: `/srv${path}` }));
    },
    warn: (line) => void warned.push(line),
    now: () => time,
  });
  const pass = (ms: number) => {
    time += ms;
  };
  return { watch, asked, warned, pass, walks: () => walks };
}

describe('a watch over groups', () => {
  test('asks nobody until somebody looks, and then lets him wait for no member', async () => {
    let end: (group: SeenGroup) => void = () => undefined;
    const { watch, asked } = watched(() => new Promise((resolve) => void (end = resolve)), ['/a', '/plain']);
    expect(asked).toEqual([]);
    expect(watch.groups).toEqual([]);
    const known = await watch.known();
    expect(known.map(({ path, seenAt }) => [path, seenAt])).toEqual([['/a', null]]);
    await expect.poll(() => asked).toEqual(['/srv/a']);
    end(seen());
    await expect.poll(() => watch.groups[0]?.seenAt).toBe(0);
    await watch.stop();
  });

  test('never asks again within 15 seconds, however often somebody looks, nor while a look is under way', async () => {
    const ends: (() => void)[] = [];
    const { watch, asked, pass, walks } = watched(
      () => new Promise((resolve) => void ends.push(() => resolve(seen()))),
    );
    const round = async (number: number) => {
      await expect.poll(() => watch.groups.length > 0 && ends.length).toBe(number);
    };
    await round(1);
    pass(2 * LOOK_EVERY);
    await watch.known();
    expect(asked).toHaveLength(1);
    ends[0]?.();
    // The first has lasted for long enough that a second one is due.
    await round(2);
    pass(1);
    ends[1]?.();
    await expect.poll(() => watch.groups[0]?.seenAt).toBe(2 * LOOK_EVERY + 1);
    pass(LOOK_EVERY - 2);
    await watch.known();
    await watch.known();
    expect(asked).toHaveLength(2);
    // Nor is the folder walked through for each who looks.
    expect(walks()).toBe(2);
    pass(1);
    await round(3);
    ends[2]?.();
    await watch.stop();
  });

  test('a group that had to wait for its turn is not asked again before its own 15 seconds are over', async () => {
    const ends: (() => void)[] = [];
    const { watch, asked, pass } = watched(
      () => new Promise((resolve) => void ends.push(() => resolve(seen()))),
      ['/a', '/b', '/c', '/d', '/late'],
    );
    await watch.known();
    await expect.poll(() => asked.length).toBe(4);
    pass(LOOK_EVERY - 1);
    for (const end of ends.splice(0)) end();
    await expect.poll(() => asked.length).toBe(5);
    ends.shift()?.();
    const unseen = () => watch.groups.filter(({ seenAt }) => seenAt === null);
    await expect.poll(unseen).toEqual([]);
    pass(1);
    await watch.known();
    await expect.poll(() => asked.length).toBe(9);
    pass(1);
    for (const end of ends.splice(0)) end();
    await expect.poll(() => watch.groups.filter(({ seenAt }) => seenAt === LOOK_EVERY + 1).length).toBe(4);
    await watch.stop();
    expect(asked.filter((gitDir) => gitDir === '/srv/late')).toHaveLength(1);
  });

  test('tells once why a member cannot be reached, and again when it was back in between', async () => {
    const reasons = ['/srv/us.git is gone', '/srv/us.git is gone', null, '/srv/us.git is gone'];
    let looks = 0;
    const { watch, warned, pass } = watched(async () => {
      looks += 1;
      return seen(reasons[looks - 1]);
    });
    for (let look = 1; look <= reasons.length; look += 1) {
      await watch.known();
      const at = (look - 1) * LOOK_EVERY;
      await expect.poll(() => [looks, watch.groups[0]?.seenAt]).toEqual([look, at]);
      pass(LOOK_EVERY);
    }
    const line = '/a: us: /srv/us.git is gone';
    await watch.stop();
    expect(warned.slice(0, 2)).toEqual([line, line]);
  });

  test('a repository that cannot be looked at costs the others nothing, and keeps what was known', async () => {
    const { watch, warned } = watched(
      async (gitDir) => {
        if (gitDir === '/srv/a') throw new Error('the secret cannot be read');
        return seen();
      },
      ['/a', '/b'],
    );
    await watch.known();
    await expect
      .poll(() => watch.groups.map(({ path, seenAt }) => [path, seenAt]))
      .toEqual([
        ['/a', null],
        ['/b', 0],
      ]);
    expect(warned).toEqual(['/a: the secret cannot be read']);
    await watch.stop();
  });

  test('stops with the look that is under way', async () => {
    const { watch, asked } = watched(
      (_, signal) => new Promise((resolve) => signal.addEventListener('abort', () => resolve(null))),
      ['/a', '/b', '/c', '/d', '/e', '/f'],
    );
    await watch.known();
    await expect.poll(() => asked.length).toBe(4);
    await watch.stop();
    await watch.known();
    expect(asked).toHaveLength(4);
  });
});
