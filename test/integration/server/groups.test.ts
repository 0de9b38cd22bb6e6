import { renameSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Status } from '../../../src/server/page/status.ts';
import { type Browser, findBrowser, NO_BROWSER, startBrowser } from '../../helpers/browser.ts';
import { expectNoChildren } from '../../helpers/evidence.ts';
import { type GamServe, gamServe } from '../../helpers/gam-serve.ts';
import { ask } from '../../helpers/raw-request.ts';
import { generateHistory } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';
import { foundStatusGroup, type StatusGroup } from '../../helpers/status-group.ts';

// What gam serve tells of the groups that its repositories are in, with real members.

const LONG = `https://user:geheim@127.0.0.1:1/${'a-very-long-path-without-any-break-'.repeat(5)}`;

let sandbox: Sandbox;
let group: StatusGroup;
let served: GamServe;

const text = async (path: string, of = served) => String((await ask({ url: of.url, path })).body);
const statusOf = async () => JSON.parse(await text('/-/status.json')) as Status;

beforeAll(async () => {
  sandbox = makeSandbox();
  group = await foundStatusGroup(sandbox, { eu: 'primary', us: 'primary', asia: 'follower' });
  await generateHistory(sandbox, 'served/plain.git', { commits: 1 });
  // Beneath the root there is one member; the others are elsewhere.
  await sandbox.git(['config', 'replica.us.url', sandbox.path('us.git')], { cwd: 'eu.git' });
  renameSync(sandbox.path('asia.git'), sandbox.path('asia.away'));
  await group.push('us');
  await group.set('eu', 'replica.far.url', LONG);
  await group.set('eu', 'replica.far.role', 'follower');
  renameSync(sandbox.path('eu.git'), sandbox.path('served/eu.git'));
  await sandbox.git(['config', 'replica.eu.url', sandbox.path('served/eu.git')], { cwd: 'us.git' });
  served = await gamServe(sandbox, 'served');
});

afterAll(async () => {
  await served.stop();
  await expectNoChildren(sandbox);
  await sandbox.close();
});

/** The samples of a metric, by the labels that matter. */
async function samples(name: string): Promise<Record<string, number>> {
  const lines = (await text('/-/metrics'))
    .split('\n')
    .filter((line) => line.startsWith(`gam_replica_${name}{`));
  return Object.fromEntries(
    lines.map((line) => {
      const [, repository = '', member = ''] =
        /repository="([^"]*)",group="demo"(?:,member="([^"]*)")?/.exec(line) ?? [];
      return [`${repository} ${member}`.trim(), Number(line.split(' ').at(-1))];
    }),
  );
}

test('metrics tell of members, lag, queue, locks and coordinator, of repositories in groups alone', async () => {
  await expect
    .poll(() => samples('member_up'), { timeout: 60_000, interval: 200 })
    .toEqual({
      '/eu.git us': 1,
      '/eu.git asia': 0,
      '/eu.git far': 0,
    });
  expect(await samples('coordinator_up')).toEqual({ '/eu.git': 1 });
  expect(await samples('locks_held')).toEqual({ '/eu.git': 0 });
  expect(await samples('refs_behind')).toEqual({ '/eu.git eu': 0, '/eu.git us': 0 });
  expect(Object.keys(await samples('queue_refs')).sort()).toEqual([
    '/eu.git asia',
    '/eu.git far',
    '/eu.git us',
  ]);
  const at = (await samples('last_look_timestamp_seconds'))['/eu.git'] ?? 0;
  expect(Math.abs(Date.now() / 1000 - at)).toBeLessThan(3600);
  expect(await text('/-/metrics')).not.toMatch(/plain|geheim/);
});

test('the page and its document tell the same, without logins and folders of the machine', async () => {
  const { groups } = await statusOf();
  expect(groups.map(({ path, name, self }) => [path, name, self])).toEqual([['/eu.git', 'demo', 'eu']]);
  expect(groups[0]?.members.map(({ id, state, url }) => [id, state, url])).toEqual([
    ['eu', 'current', null],
    ['us', 'current', null],
    ['asia', 'unreachable', null],
    ['far', 'unreachable', LONG.replace('user:geheim@', '')],
  ]);
  expect(groups[0]?.coordinator).toMatchObject({ kind: 'git', arbiter: 'eu', healthy: true });
  const all = (await text('/-/')) + (await text('/-/status.json'));
  expect(all).toContain('<h2 id="groups">Groups</h2>');
  expect(all).not.toContain('geheim');
  expect(all).not.toContain(sandbox.root);
  await served.logged(/^gam: \/eu\.git: asia: cannot be reached: \S/m);
});

test('whoever wants no page has repositories named nowhere', async () => {
  const silent = await gamServe(sandbox, 'served', ['--no-page']);
  expect(await text('/-/metrics', silent)).not.toContain('gam_replica');
  await silent.stop();
});

test('a repository that git would not serve, or that says so, is not looked at', async () => {
  await group.set('served/eu', 'http.uploadpack', 'false');
  const groupsBy = async (env: Record<string, string>) => {
    const other = await gamServe(sandbox, 'served', [], { env });
    const { groups } = JSON.parse(await text('/-/status.json', other)) as Status;
    await other.stop();
    return groups.map(({ path }) => path);
  };
  expect(await groupsBy({})).toEqual([]);
  await sandbox.git(['config', '--unset', 'http.uploadpack'], { cwd: 'served/eu.git' });
  expect(await groupsBy({})).toEqual(['/eu.git']);
  // As if another user owned it, who could have programs started by what he writes into its configuration.
  expect(await groupsBy({ GIT_TEST_ASSUME_DIFFERENT_OWNER: '1' })).toEqual([]);
});

const program = findBrowser();

if (program === null) {
  test.skip(`groups in a browser: ${NO_BROWSER}`, () => undefined);
} else {
  describe('in a browser', () => {
    let browser: Browser;

    beforeAll(() => {
      browser = startBrowser(program);
    });

    afterAll(() => browser.close());

    test.each([320, 390, 1000])(
      'at %i pixels all of it is there, and nothing has to be scrolled sideways',
      async (width) => {
        const tab = await browser.open(`${served.url}/-/`, { width, height: 800 });
        expect(await tab.evaluate('document.documentElement.scrollWidth')).toBe(width);
        const rows = await tab.evaluate<string[]>(
          "[...document.querySelectorAll('table.members tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))",
        );
        expect(rows).toHaveLength(4);
        expect(rows[2]).toMatch(/asia .*follower .*not reached/);
        expect(tab.complaints).toEqual([]);
      },
    );

    test('news come while the page is open', async () => {
      const tab = await browser.open(`${served.url}/-/`);
      renameSync(sandbox.path('asia.away'), sandbox.path('asia.git'));
      const state = () =>
        tab
          .evaluate("document.dispatchEvent(new Event('visibilitychange'))")
          .then(() =>
            tab.evaluate<string>(
              `document.querySelector('[data-live="group /eu.git asia state"]').innerText`,
            ),
          );
      await expect.poll(state, { timeout: 120_000, interval: 500 }).toMatch(/^(current|behind at .*)$/);
      expect(tab.complaints).toEqual([]);
    });
  });
}
