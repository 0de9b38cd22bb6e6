import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { commit, type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

const SITE = 'refs/mirror/eu.example';

let desk: Desk;
let repo: string;
let first: string;
let second: string;

/** origin/main is at `first`; the mirror has brought `first` under main and `second` under next. */
beforeEach(async () => {
  desk = makeDesk();
  repo = await makeRepository(desk, 'r', 'https://canonical.example/r');
  await desk.git(['config', 'remote.origin.mirrorUrl', 'https://eu.example/r'], repo);
  first = await commit(desk, repo, 'one');
  second = await commit(desk, repo, 'two', first);
  await desk.git(['update-ref', 'refs/remotes/origin/main', first], repo);
  await desk.git(['update-ref', `${SITE}/heads/main`, first], repo);
});
afterEach(() => desk.remove());

async function stageUnverified(): Promise<void> {
  await desk.git(['update-ref', `${SITE}/heads/next`, second], repo);
  await desk.git(['tag', '-m', 't', 'v1', second], repo);
  await desk.git(['update-ref', `${SITE}/tags/v1`, await desk.git(['rev-parse', 'v1'], repo)], repo);
  await desk.git(['tag', '-d', 'v1'], repo);
}

async function staged(): Promise<string[]> {
  const names = await desk.git(['for-each-ref', '--format=%(refname)', 'refs/mirror'], repo);
  return names === '' ? [] : names.split('\n');
}

/** A pack that stands for one quarantine; its name is hexadecimal, as git's are. */
function keepOf(name: string): string {
  return `pack-${Buffer.from(name).toString('hex')}.keep`;
}

/** Leaves a quarantine folder as a helper of that process would, with one pack kept. */
function leaveQuarantine(name: string, owner: string): void {
  const objects = join(repo, '.git/objects');
  mkdirSync(join(objects, name), { recursive: true });
  mkdirSync(join(objects, 'pack'), { recursive: true });
  writeFileSync(join(objects, 'pack', keepOf(name)), 'gam');
  writeFileSync(join(objects, name, 'owner'), JSON.stringify({ process: owner, keeps: [keepOf(name)] }));
}

describe('gam status', () => {
  test('clean is one line, and --json says the same', async () => {
    await desk.git(['update-ref', '-d', `${SITE}/heads/main`], repo);
    expect(await desk.gam(['status'], repo)).toEqual({
      status: 0,
      stdout: 'nothing is unverified: every ref here comes from canonical\n',
      stderr: '',
    });
    const { stdout } = await desk.gam(['status', '--json'], repo);
    expect(JSON.parse(stdout)).toEqual({ unverified: [], reachable: 0, leftovers: [], clones: [] });
    expect((await desk.gam(['status', '-q'], repo)).stdout).toBe('');
  });

  test('names remote, site and counts of what canonical has not confirmed, and the next steps', async () => {
    await stageUnverified();
    await desk.git(['update-ref', 'refs/mirror/gone.example/heads/main', second], repo);
    const before = await staged();
    const { stdout } = await desk.gam(['status'], repo);
    expect(stdout).toBe(
      [
        'REMOTE  HEADS  TAGS  SITE',
        'origin  1      1     eu.example',
        '-       1      0     gone.example',
        '',
        'git fetch origin                           promotes what canonical confirms',
        'git log refs/mirror/eu.example/heads/next  shows what came',
        'gam sweep --unverified                     drops it all',
        '1 staged and confirmed: gam sweep removes them',
        '',
      ].join('\n'),
    );
    const { unverified, reachable } = JSON.parse((await desk.gam(['status', '--json'], repo)).stdout);
    expect(reachable).toBe(1);
    expect(unverified).toEqual([
      {
        remote: 'origin',
        site: 'eu.example',
        heads: 1,
        tags: 1,
        refs: [`${SITE}/heads/next`, `${SITE}/tags/v1`],
      },
      {
        remote: null,
        site: 'gone.example',
        heads: 1,
        tags: 0,
        refs: ['refs/mirror/gone.example/heads/main'],
      },
    ]);
    expect(await staged()).toEqual(before);
  });
});

describe('gam sweep', () => {
  test('removes what is confirmed, keeps the rest, and says both', async () => {
    await stageUnverified();
    const { stdout } = await desk.gam(['sweep'], repo);
    expect(stdout).toBe('swept 1 ref; 2 refs stay unverified (gam status)\n');
    expect(await staged()).toEqual([`${SITE}/heads/next`, `${SITE}/tags/v1`]);
    expect((await desk.gam(['sweep'], repo)).stdout).toBe(
      'nothing to sweep; 2 refs stay unverified (gam status)\n',
    );
    await desk.git(['update-ref', 'refs/remotes/origin/next', second], repo);
    const { stdout: json } = await desk.gam(['sweep', '--json'], repo);
    expect(JSON.parse(json)).toEqual({
      swept: [`${SITE}/heads/next`, `${SITE}/tags/v1`],
      unverified: [],
      dropped: [],
      leftovers: [],
      clones: [],
    });
    expect(await staged()).toEqual([]);
  });

  test('--unverified names what it drops', async () => {
    await stageUnverified();
    const { stdout } = await desk.gam(['sweep', '--unverified'], repo);
    expect(stdout).toBe(
      `swept 1 ref\ndropping 2 refs that canonical has not confirmed:\n  ${SITE}/heads/next\n  ${SITE}/tags/v1\n`,
    );
    expect(await staged()).toEqual([]);
    expect((await desk.gam(['sweep', '-q'], repo)).stdout).toBe('');
  });

  test('removes the quarantine of a dead helper with its keep files, not that of a living one', async () => {
    // A process that has ended: its id is free for the moment.
    const dead = Number((await desk.run('sh', ['-c', 'echo $$'])).stdout);
    leaveQuarantine('tmp_objdir-gam-dead', processName(dead));
    leaveQuarantine('tmp_objdir-gam-alive', processName(process.pid));
    leaveQuarantine('tmp_objdir-gam-old', `00000000-${process.pid}-1`);
    const threeDaysAgo = Date.now() / 1000 - 3 * 86_400;
    utimesSync(join(repo, '.git/objects/tmp_objdir-gam-old'), threeDaysAgo, threeDaysAgo);
    const { leftovers } = JSON.parse((await desk.gam(['status', '--json'], repo)).stdout) as {
      leftovers: string[];
    };
    expect(leftovers.sort()).toEqual(['tmp_objdir-gam-dead', 'tmp_objdir-gam-old']);
    const doctor = await desk.gam(['doctor'], repo);
    expect(doctor.stdout).toMatch(/^warning: 2 folder.*\n {2}remedy: gam sweep$/m);
    expect((await desk.gam(['sweep'], repo)).stdout).toContain('removed 2 folders of killed helpers\n');
    const objects = join(repo, '.git/objects');
    const there = ['dead', 'alive', 'old'].map((name) => [
      existsSync(join(objects, `tmp_objdir-gam-${name}`)),
      existsSync(join(objects, 'pack', keepOf(`tmp_objdir-gam-${name}`))),
    ]);
    expect(there).toEqual([
      [false, false],
      [true, true],
      [false, false],
    ]);
  });

  test.each([['status'], ['sweep'], ['sweep', '--unverified'], ['sweep', '--unverified', '--clones']])(
    'outside a repository it says so',
    async (...words) => {
      const { status, stdout, stderr } = await desk.gam(words);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^gam: not a git repository.*\ngam: .*\n$/);
    },
  );

  test('works in a linked work tree and in a bare repository', async () => {
    await desk.git(['worktree', 'add', '-q', '--detach', join(desk.top, 'tree'), first], repo);
    expect((await desk.gam(['sweep'], join(desk.top, 'tree'))).stdout).toBe('swept 1 ref\n');
    await desk.git(['clone', '-q', '--bare', repo, 'bare']);
    expect((await desk.gam(['sweep'], join(desk.top, 'bare'))).stdout).toBe('nothing to sweep\n');
  });
});
