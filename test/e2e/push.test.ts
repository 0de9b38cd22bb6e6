import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean } from '../helpers/evidence.ts';
import type { Pair } from '../helpers/pair.ts';
import type { Scheme } from '../helpers/place.ts';
import { refsOf } from '../helpers/refs.ts';
import { cloneBare, generateHistory, setOrigin } from '../helpers/repository.ts';

// A push is canonical's business alone: the same answer as plain git's, and no mirror hears of it.

const SCHEMES: readonly Scheme[] = ['http', 'ssh', 'git', 'file'];
const RECORD_OPTIONS = `#!/bin/sh
i=0
while [ "$i" -lt "\${GIT_PUSH_OPTION_COUNT:-0}" ]; do
  eval "echo \\$GIT_PUSH_OPTION_$i" >>options
  i=$((i + 1))
done
`;

let bed: Bed;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await generateHistory(sandbox, 'canonical', { commits: 60 });
  await cloneBare(sandbox, 'canonical', 'mirrors/fresh');
  await sandbox.git(['config', 'receive.advertisePushOptions', 'true'], { cwd: 'canonical' });
  await sandbox.git(['config', 'receive.advertiseAtomic', 'true'], { cwd: 'canonical' });
  const hook = sandbox.path('canonical/hooks/post-receive');
  mkdirSync(sandbox.path('canonical/hooks'), { recursive: true });
  writeFileSync(hook, RECORD_OPTIONS);
  chmodSync(hook, 0o755);
  await sandbox.git(['clone', '-q', 'canonical', 'template']);
});

afterAll(() => bed.close());

/** A pair with a clone each, one commit ahead on main. */
async function ready(name: string, scheme: Scheme = 'http'): Promise<Pair> {
  const pair = await bed.pair('canonical', name, scheme);
  await bed.adopt(pair, 'template', 'repo');
  await pair.both(async ({ cwd }) => {
    const repo = { cwd: `${cwd}/repo` };
    setOrigin(bed.sandbox, repo.cwd, { mirrorUrl: bed.mirror('fresh') });
    await bed.sandbox.git(['commit', '-q', '--allow-empty', '-m', 'mine'], repo);
  });
  bed.mirrors.requests.length = 0;
  return pair;
}

/** Both canonicals hold the same, both clones know the same, and no mirror was asked. */
async function expectSamePush(pair: Pair): Promise<void> {
  const canonical = (side: 'plain' | 'gam') => refsOf(bed.sandbox, pair[side].canonical);
  expect(await canonical('gam')).toEqual(await canonical('plain'));
  await pair.expectAlike('repo');
  await expectClean(bed.sandbox, pair.gam.canonical);
  expect(bed.mirrors.requests).toEqual([]);
}

describe.each(SCHEMES)('push by %s', (scheme) => {
  test('new commits, a new branch, tags, then nothing, then deletions', async () => {
    const pair = await ready(`push-${scheme}`, scheme);
    const repo = { cwd: 'repo' };
    await pair.git(() => ['push', 'origin', 'main'], repo);
    await pair.git(() => ['push', '--set-upstream', 'origin', 'main:feature'], repo);
    await pair.both(({ cwd }) => bed.sandbox.git(['tag', '-a', '-m', 'new', 'v99'], { cwd: `${cwd}/repo` }));
    await pair.git(() => ['push', '--tags'], repo);
    await pair.git(() => ['push', 'origin', 'main'], repo);
    await pair.git(() => ['push', 'origin', '--delete', 'feature', 'v1'], repo);
    await expectSamePush(pair);
  });

  test('a forced one, and one that is refused without force', async () => {
    const pair = await ready(`force-${scheme}`, scheme);
    const repo = { cwd: 'repo' };
    await pair.both(({ cwd }) =>
      bed.sandbox.git(['reset', '-q', '--hard', 'HEAD~4'], { cwd: `${cwd}/repo` }),
    );
    await pair.git(() => ['push', 'origin', 'main'], { ...repo, expectStatus: 1 });
    await pair.git(() => ['push', '--force-with-lease', 'origin', 'main'], repo);
    await expectSamePush(pair);
  });
});

test('--atomic: all or nothing', async () => {
  const pair = await ready('atomic');
  const refs = ['origin', 'main', 'HEAD~9:refs/heads/topic-0'];
  await pair.git(() => ['push', '--atomic', ...refs], { cwd: 'repo', expectStatus: 1 });
  await expectSamePush(pair);
  await pair.git(() => ['push', '--atomic', '--force', ...refs], { cwd: 'repo' });
  await expectSamePush(pair);
});

test('push options arrive', async () => {
  const pair = await ready('options');
  await pair.git(() => ['push', '-o', 'ci.skip', '--push-option=reviewer=ada', 'origin', 'main'], {
    cwd: 'repo',
  });
  await expectSamePush(pair);
  await pair.both(async ({ canonical }) => {
    const { stdout } = await bed.sandbox.run('cat', ['options'], { cwd: canonical });
    expect(stdout).toBe('ci.skip\nreviewer=ada\n');
  });
});

test.each(['--dry-run', '--porcelain', '--quiet', '--verbose', '--follow-tags', '--prune --all', '--thin'])(
  'push %s',
  async (options) => {
    const pair = await ready(`push ${options}`);
    const refs = options.includes('--all') ? ['origin'] : ['origin', 'main'];
    await pair.git(() => ['push', ...options.split(' '), ...refs], { cwd: 'repo' });
    await expectSamePush(pair);
  },
);

test('a hook that refuses is heard', async () => {
  const pair = await ready('hook');
  await pair.both(async ({ canonical }) => {
    mkdirSync(bed.sandbox.path(canonical, 'hooks'), { recursive: true });
    const hook = bed.sandbox.path(canonical, 'hooks/pre-receive');
    writeFileSync(hook, '#!/bin/sh\necho "not on Fridays" >&2\nexit 1\n');
    chmodSync(hook, 0o755);
  });
  const { gam } = await pair.git(() => ['push', 'origin', 'main'], { cwd: 'repo', expectStatus: 1 });
  expect(gam.stderr).toContain('remote: not on Fridays');
  await expectSamePush(pair);
});

test('a push to where pushes are not taken fails as plain git does', async () => {
  const pair = await ready('closed', 'git');
  await pair.both(({ canonical }) =>
    bed.sandbox.git(['config', 'daemon.receivepack', 'false'], { cwd: canonical }),
  );
  await pair.git(() => ['push', 'origin', 'main'], { cwd: 'repo', expectStatus: 128 });
  await expectSamePush(pair);
});

test('--mirror pushes what is the user’s, and nothing that is staged', async () => {
  const pair = await ready('mirror');
  const { sandbox } = bed;
  const clone = { cwd: `${pair.gam.cwd}/repo` };
  const unverified = await sandbox.git(['commit-tree', '-m', 'theirs', 'HEAD^{tree}'], clone);
  await sandbox.git(['update-ref', 'refs/mirror/somewhere/heads/main', unverified.stdout.trim()], clone);
  await sandbox.git(['update-ref', 'refs/mirror/somewhere/heads/topic-0', 'HEAD'], clone);
  for (const { cwd } of [pair.plain, pair.gam]) {
    await sandbox.git(['push', '--mirror', 'origin'], { cwd: `${cwd}/repo` });
  }
  const staged = await sandbox.git(['for-each-ref', 'refs/mirror'], { cwd: pair.gam.canonical });
  expect(staged.stdout).toBe('');
  expect(await refsOf(sandbox, pair.gam.canonical)).toEqual(await refsOf(sandbox, pair.plain.canonical));
});
