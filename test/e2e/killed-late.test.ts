import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import type { Running } from '../helpers/child.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { asFetched } from '../helpers/refs.ts';
import { cloneBare } from '../helpers/repository.ts';

// `gam clone` that is killed before the mirror has sent anything, or when it is through and git writes refs and files: then
// git's folder is there, and git refuses to clone to it. The same command run again comes to an end all the same.

let bed: Bed;
/** Programs of git's that wait, once, for a word of the test. */
let pause: string;

beforeAll(async () => {
  bed = await makeBed();
  const { sandbox } = bed;
  mkdirSync(sandbox.path('mirrors'));
  await sandbox.git(['init', '-q', 'work']);
  mkdirSync(sandbox.path('work/b'));
  const text = Array.from({ length: 3000 }, (_, line) => `line ${line}\n`).join('');
  for (const name of ['a', 'b/held', 'c']) writeFileSync(sandbox.path('work', name), `${name}\n${text}`);
  writeFileSync(sandbox.path('work/.gitattributes'), 'held filter=pause\n');
  writeFileSync(sandbox.path('work/.gitignore'), '*.o\n');
  await sandbox.git(['add', '.'], { cwd: 'work' });
  await sandbox.git(['commit', '-qm', 'All'], { cwd: 'work' });
  await sandbox.git(['tag', 'v1'], { cwd: 'work' });
  await cloneBare(sandbox, 'work', 'canonical');
  await cloneBare(sandbox, 'canonical', 'mirrors/fresh');
  pause = sandbox.path('pause');
  const script = `#!/bin/sh
test -p '${pause}.here' && { echo >'${pause}.here'; read -r _ <'${pause}.go'; }
test "$1" = cat && exec cat
exit 0
`;
  writeFileSync(pause, script, { mode: 0o755 });
  mkdirSync(sandbox.path('template/hooks'), { recursive: true });
  writeFileSync(sandbox.path('template/hooks/post-checkout'), `#!/bin/sh\nexec '${pause}'\n`, {
    mode: 0o755,
  });
});

beforeEach(async () => {
  await rm(bed.sandbox.path('home/.cache'), { recursive: true, force: true });
  await rm(bed.sandbox.path('to'), { recursive: true, force: true });
});

afterAll(() => bed.close());

function words(...options: string[]): string[] {
  const config = [`remote.origin.mirrorUrl=${bed.mirror('fresh')}`, `filter.pause.smudge='${pause}' cat`];
  const all = [...config.flatMap((setting) => ['-c', setting]), ...options];
  return ['clone', ...all, bed.sandbox.path('canonical'), 'to'];
}

/** A `gam clone` that has come to where git runs the program that waits. */
async function held(...options: string[]): Promise<Running> {
  await bed.sandbox.run('mkfifo', [`${pause}.here`, `${pause}.go`]);
  const running = bed.sandbox.start('gam', words(...options));
  await waits(running);
  return running;
}

async function waits({ ended }: Running): Promise<void> {
  const over = ended.then(({ stderr }) => Promise.reject(new Error(`nobody waits: ${stderr}`)));
  await Promise.race([readFile(`${pause}.here`), over]);
}

/** Lets whoever waits go on, and nobody wait any more. */
async function release(): Promise<void> {
  await rm(`${pause}.here`);
  writeFileSync(`${pause}.go`, '\n');
  await rm(`${pause}.go`);
}

async function killed(running: Running): Promise<void> {
  running.kill('SIGKILL');
  await running.ended;
  for (const end of ['here', 'go']) await rm(`${pause}.${end}`, { force: true });
  await expectNoChildren(bed.sandbox);
}

function files(): string[] {
  return readdirSync(bed.sandbox.path('to')).sort();
}

async function expectCloned(): Promise<void> {
  const { sandbox } = bed;
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'to');
  await expectSameRefs(sandbox, 'to', 'canonical', asFetched);
  const { stdout } = await sandbox.git(['status', '--porcelain', '--branch'], { cwd: 'to' });
  expect(stdout).toBe('## main...origin/main\n');
  const cache = sandbox.path('home/.cache/gam/clones');
  expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
}

const REMOVED = /^gam: removed what a killed clone has left in .*\/to$/m;
const COMPLETE = /^gam: the clone that was killed had come to its end: .*\/to is complete$/m;
const REFUSED = /^fatal: destination path 'to' already exists and is not an empty directory/m;

test('before the helper runs', async () => {
  const { sandbox } = bed;
  await sandbox.run('mkfifo', [`${pause}.here`, `${pause}.go`]);
  mkdirSync(sandbox.path('other'));
  writeFileSync(sandbox.path('other/git-remote-mirror'), `#!/bin/sh\nexec '${pause}'\n`, { mode: 0o755 });
  const env = { PATH: `${sandbox.path('other')}:${sandbox.env['PATH']}` };
  const running = sandbox.start('gam', words(), { env });
  await waits(running);
  await killed(running);
  expect(files()).toEqual(['.git']);
  const { stderr } = await sandbox.run('gam', words());
  expect(stderr).toMatch(REMOVED);
  await expectCloned();
});

describe('while git writes files', () => {
  test('the command goes on', async () => {
    await killed(await held());
    expect(files()).toEqual(['.git', '.gitattributes', '.gitignore', 'a', 'b']);
    const { stderr } = await bed.sandbox.run('gam', words());
    expect(stderr).toMatch(REMOVED);
    await expectCloned();
  });

  test('also where the last file is there in part', async () => {
    await killed(await held());
    truncateSync(bed.sandbox.path('to/a'), 1000);
    await bed.sandbox.run('gam', words());
    await expectCloned();
  });

  test.each([
    ['a file of the user', async (to: string) => writeFileSync(`${to}/mine`, '')],
    ['a file that git ignores', async (to: string) => writeFileSync(`${to}/mine.o`, '')],
    ['a file that was changed', async (to: string) => appendFileSync(`${to}/a`, 'more\n')],
    ['a file with another beginning', async (to: string) => writeFileSync(`${to}/a`, 'mine')],
    ['a folder of another program', (to: string) => bed.sandbox.run('mkdir', ['-p', `${to}/.git/lfs`])],
    [
      'a branch',
      (to: string) =>
        bed.sandbox.run(
          'sh',
          ['-c', 'git update-ref refs/heads/mine "$(git commit-tree -m mine "HEAD^{tree}")"'],
          { cwd: to },
        ),
    ],
    [
      'a branch at a commit of canonical’s',
      (to: string) => bed.sandbox.git(['update-ref', 'refs/heads/mine', 'HEAD'], { cwd: to }),
    ],
    ['a stash', (to: string) => bed.sandbox.git(['update-ref', 'refs/stash', 'HEAD'], { cwd: to })],
    ['a fetch', (to: string) => bed.sandbox.git(['fetch', bed.sandbox.path('work'), 'main'], { cwd: to })],
  ])('%s stays', async (_, change) => {
    const { sandbox } = bed;
    await killed(await held());
    await change(sandbox.path('to'));
    const before = readFileSync(sandbox.path('to/a'));
    const { stderr } = await sandbox.run('gam', words(), { expectStatus: 128 });
    expect(stderr).toMatch(REFUSED);
    expect(readFileSync(sandbox.path('to/a'))).toEqual(before);
    expect(existsSync(sandbox.path('to/.git/HEAD'))).toBe(true);
  });

  test('another command does not take it for its own', async () => {
    await killed(await held());
    const { stderr } = await bed.sandbox.run('gam', words('--no-tags'), { expectStatus: 128 });
    expect(stderr).toMatch(REFUSED);
  });

  test('killed alone, git comes to its end, and the command waits for that', async () => {
    const { sandbox } = bed;
    const running = await held();
    running.child.kill('SIGKILL');
    const again = sandbox.start('gam', words());
    await again.saw('stderr', /^gam: git still works on the clone that was killed/m);
    await release();
    await running.ended;
    const { status, stderr } = await again.ended;
    expect(stderr).toMatch(COMPLETE);
    expect(status).toBe(0);
    await expectCloned();
  });
});

test('when all files are there', async () => {
  const template = `--template=${bed.sandbox.path('template')}`;
  await killed(await held(template, '-c', 'filter.pause.smudge=cat'));
  writeFileSync(bed.sandbox.path('to/mine'), 'mine');
  const { stderr } = await bed.sandbox.run('gam', words(template, '-c', 'filter.pause.smudge=cat'));
  expect(stderr).toMatch(COMPLETE);
  expect(readFileSync(bed.sandbox.path('to/mine'), 'utf8')).toBe('mine');
  await rm(bed.sandbox.path('to/mine'));
  await expectCloned();
});

test.each([['--no-checkout'], ['--bare']])('%s: a second time', async (option) => {
  await bed.sandbox.run('gam', words(option));
  const { stderr } = await bed.sandbox.run('gam', words(option), { expectStatus: 128 });
  expect(stderr).toMatch(REFUSED);
});
