import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { processName } from '../../../src/git/alive.ts';
import { inspectHooks, installHooks, removeHooks } from '../../../src/git/hooks.ts';
import { diesAfter } from '../../helpers/death.ts';
import { folderListing } from '../../helpers/folder-listing.ts';
import { initBare } from '../../helpers/repository.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

/** Runs what stood there before, and nothing else. */
const chain = (name: string) =>
  `#!/bin/sh\nkept=\${0%/*}/before-gam/${name}\n[ -x "$kept" ] || exit 0\nexec "$kept" "$@"\n`;
const NAMES = ['pre-receive', 'post-receive', 'reference-transaction'];
const SCRIPTS = new Map(NAMES.map((name) => [name, chain(name)]));
const NEWER = new Map(NAMES.slice(0, 2).map((name) => [name, `${chain(name)}# of a newer version\n`]));

/** A process that is none. */
const DEAD = processName(999_999_999);

let sandbox: Sandbox;
let count = 0;
beforeAll(() => {
  sandbox = makeSandbox();
});
afterAll(() => sandbox.close());

interface Place {
  gitDir: string;
  hooks: string;
}

async function makePlace(): Promise<Place> {
  count += 1;
  const gitDir = await initBare(sandbox, `${count}.git`);
  return { gitDir, hooks: join(gitDir, 'hooks') };
}

const run = () => ({ env: sandbox.env });
const install = (place: Place, scripts = SCRIPTS) => installHooks(place.gitDir, scripts, run());
const remove = (place: Place) => removeHooks(place.gitDir, run());
const inspect = async (place: Place, scripts = SCRIPTS) =>
  Object.fromEntries(await inspectHooks(place.gitDir, scripts, run()));

function write(path: string, content: string, mode = 0o755): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
}

/** Runs hooks as git would, those not at all that are not executable: with which status each ends, and what it says. */
async function runHooks(place: Place, names: readonly string[]): Promise<string[]> {
  const script = 'for hook; do said=$([ ! -x "$hook" ] || "$hook"); echo "$? $said"; done';
  const paths = names.map((name) => join(place.hooks, name));
  const { stdout } = await sandbox.run('sh', ['-c', script, 'sh', ...paths], { cwd: place.gitDir });
  return stdout.split('\n').slice(0, -1);
}

const runHook = async (place: Place, name: string) => (await runHooks(place, [name]))[0];

type Entry = { kind: 'file'; mode: number; content: string } | { kind: 'link'; target: string };

/** What links name in the folder itself. */
const INSIDE =
  'pre-receive ./post-receive lib.sh update x.sample ../hooks/pre-receive pre-receive.d/one .. before-gam/x'.split(
    ' ',
  );

const entry: fc.Arbitrary<Entry> = fc.oneof(
  fc.record({
    kind: fc.constant('file' as const),
    mode: fc.constantFrom(0o755, 0o644, 0o700, 0o555, 0o4755, 0o000),
    content: fc.oneof(fc.string(), fc.constant('#!/bin/sh\n'), fc.constant(chain('pre-receive'))),
  }),
  fc.record({
    kind: fc.constant('link' as const),
    target: fc.constantFrom('../HEAD', '../../common/hook', '/nowhere', '/bin/true', ...INSIDE),
  }),
);
const folder = fc.dictionary(
  fc.constantFrom(
    ...NAMES,
    'update',
    'lib.sh',
    'pre-receive.sample',
    'pre-receive.d/one',
    'x y\'"$',
    '.hidden',
  ),
  entry,
);

function fill(hooks: string, entries: Record<string, Entry>): void {
  for (const [name, one] of Object.entries(entries)) {
    const path = join(hooks, name);
    mkdirSync(dirname(path), { recursive: true });
    if (one.kind === 'link') symlinkSync(one.target, path);
    else write(path, one.content, one.mode);
  }
}

describe('what stood in a folder of hooks', () => {
  test('stands there again, whatever it was and however often gam was installed', async () => {
    const place = await makePlace();
    await fc.assert(
      fc.asyncProperty(folder, fc.nat({ max: 2 }), async (entries, again) => {
        rmSync(place.hooks, { recursive: true, force: true });
        fill(place.hooks, entries);
        const before = folderListing(place.hooks);
        await install(place);
        for (let times = 0; times < again; times += 1) await install(place, NEWER);
        const states = await inspect(place, again === 0 ? SCRIPTS : NEWER);
        expect(Object.values(states).filter((state) => state !== 'installed')).toEqual([]);
        expect(await remove(place)).toMatchObject({ setAside: [], sharedWith: [] });
        expect(folderListing(place.hooks)).toEqual(before);
      }),
      { numRuns: 80 },
    );
  });

  test('stands there again where gam is killed at any moment, and stands or is run all the time', async () => {
    const place = await makePlace();
    const build = () => {
      rmSync(place.hooks, { recursive: true, force: true });
      write(join(place.hooks, 'lib.sh'), 'say() { echo "former $1"; }\n', 0o644);
      write(
        join(place.hooks, 'pre-receive'),
        '#!/bin/sh\n. "$(dirname "$0")/lib.sh"\nsay "${0##*/}"\nexit 3\n',
      );
      symlinkSync('pre-receive', join(place.hooks, 'post-receive'));
      symlinkSync('post-receive', join(place.hooks, 'update'));
      write(join(place.hooks, 'update.sample'), 'sample\n', 0o644);
    };
    const names = ['pre-receive', 'post-receive', 'update'];
    const isSound = async (step: string) =>
      expect([step, await runHooks(place, names)]).toEqual([step, names.map((name) => `3 former ${name}`)]);
    // Whose lock it is has died in name only.
    const bury = () => {
      for (const name of readdirSync(place.hooks).filter((one) => one.startsWith('before-gam.lock'))) {
        const path = join(place.hooks, name);
        writeFileSync(path, DEAD);
        renameSync(path, join(place.hooks, name.replace(processName(process.pid), DEAD)));
      }
    };
    const ways = { install, newer: (one: Place) => install(one, NEWER), remove };
    build();
    const before = folderListing(place.hooks);
    await install(place);
    const installed = `${place.hooks}.installed`;
    cpSync(place.hooks, installed, { recursive: true, verbatimSymlinks: true });
    const killed: string[] = [];
    for (const [first, second] of [
      ['install', 'install'],
      ['install', 'remove'],
      ['newer', 'remove'],
      ['remove', 'install'],
      ['remove', 'remove'],
    ] as const) {
      for (let last = 0; ; last += 1) {
        const step = `${first} killed after ${last} changes, then ${second}`;
        if (first === 'install') build();
        else {
          rmSync(place.hooks, { recursive: true });
          cpSync(installed, place.hooks, { recursive: true, verbatimSymlinks: true });
        }
        const dies = await diesAfter(last, () => ways[first](place));
        bury();
        await isSound(step);
        await ways[second](place);
        if (second === 'install') {
          await isSound(step);
          await remove(place);
        }
        expect([step, folderListing(place.hooks)]).toEqual([step, before]);
        if (!dies) break;
        killed.push(step);
      }
    }
    expect(killed.length).toBeGreaterThan(60);
  });
});

describe('a former hook', () => {
  test('is run for other users, too, whatever the umask of who installs gam', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), '#!/bin/sh\n');
    chmodSync(place.hooks, 0o755);
    const umask = process.umask(0o077);
    try {
      await install(place);
    } finally {
      process.umask(umask);
    }
    const modes = ['pre-receive', 'before-gam', 'before-gam/pre-receive'];
    expect(modes.map((name) => statSync(join(place.hooks, name)).mode & 0o777)).toEqual([
      0o755, 0o755, 0o755,
    ]);
  });

  test('is copied where the system lets nobody have it under two names, as one of another user', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), '#!/bin/sh\necho former\n', 0o751);
    const before = folderListing(place.hooks);
    const { link } = promises;
    promises.link = (from, to) =>
      String(to).endsWith('.lock')
        ? link(from, to)
        : Promise.reject(Object.assign(new Error(), { code: 'EPERM' }));
    syncBuiltinESMExports();
    try {
      await install(place);
      expect(await runHook(place, 'pre-receive')).toBe('0 former');
      await remove(place);
    } finally {
      promises.link = link;
      syncBuiltinESMExports();
    }
    expect(folderListing(place.hooks)).toEqual(before);
  });

  test('is put back by another process where the one that installs gam is killed outright, and leaves its lock', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), '#!/bin/sh\necho former\n');
    const before = folderListing(place.hooks);
    const text = `
      import promises from 'node:fs/promises';
      import { syncBuiltinESMExports } from 'node:module';
      const { rename } = promises;
      promises.rename = (from, to) => to.endsWith('hooks/post-receive') ? process.kill(process.pid, 'SIGKILL') : rename(from, to);
      syncBuiltinESMExports();
      const { installHooks } = await import(${JSON.stringify(new URL('../../../src/git/hooks.ts', import.meta.url))});
      await installHooks(${JSON.stringify(place.gitDir)}, new Map(${JSON.stringify([...SCRIPTS])}));`;
    const words = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', text];
    const running = sandbox.start(process.execPath, words);
    expect(await running.ended).toMatchObject({ signal: 'SIGKILL' });
    expect(existsSync(join(place.hooks, 'before-gam.lock'))).toBe(true);
    expect(await runHook(place, 'pre-receive')).toBe('0 former');
    await remove(place);
    expect(folderListing(place.hooks)).toEqual(before);
  });
});

describe('what an administrator does meanwhile', () => {
  const say = (words: string) => `#!/bin/sh\necho ${words}\n`;

  test('becomes the former hook when gam is installed again, and what was kept before is set aside', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), say('old'));
    await install(place);
    write(join(place.hooks, 'pre-receive'), say('new'), 0o700);
    expect(await inspect(place)).toMatchObject({ 'pre-receive': 'replaced', 'post-receive': 'installed' });
    const aside = join(place.hooks, 'pre-receive.before-gam');
    expect(await install(place)).toMatchObject({ setAside: [aside] });
    expect(await runHook(place, 'pre-receive')).toBe('0 new');
    await remove(place);
    expect(folderListing(place.hooks)).toEqual({
      'pre-receive': `file 700 ${Buffer.from(say('new')).toString('base64')}`,
      'pre-receive.before-gam': `file 755 ${Buffer.from(say('old')).toString('base64')}`,
    });
  });

  test('is not taken for another hook where it is the very same, as when a forge writes its hooks again', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), say('forge'));
    const before = folderListing(place.hooks);
    await install(place);
    write(join(place.hooks, 'pre-receive'), say('forge'));
    expect(await install(place)).toMatchObject({ setAside: [] });
    expect(await runHook(place, 'pre-receive')).toBe('0 forge');
    await remove(place);
    expect(folderListing(place.hooks)).toEqual(before);
  });

  test('stays when gam is removed, a line added to a hook of gam too, and the former hook is set aside', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), say('old'));
    symlinkSync('/nowhere', join(place.hooks, 'post-receive'));
    await install(place);
    const mine = `${readFileSync(join(place.hooks, 'pre-receive'), 'utf8')}# mine\n`;
    write(join(place.hooks, 'pre-receive'), mine);
    write(join(place.hooks, 'reference-transaction'), say('mine'));
    rmSync(join(place.hooks, 'post-receive'));
    const aside = join(place.hooks, 'pre-receive.before-gam');
    expect(await remove(place)).toMatchObject({ setAside: [aside] });
    expect(folderListing(place.hooks)).toEqual({
      'pre-receive': `file 755 ${Buffer.from(mine).toString('base64')}`,
      'pre-receive.before-gam': `file 755 ${Buffer.from(say('old')).toString('base64')}`,
      'reference-transaction': `file 755 ${Buffer.from(say('mine')).toString('base64')}`,
      'post-receive': 'link to /nowhere',
    });
  });

  test('shows: a hook that git would not run, and one that is gone', async () => {
    const place = await makePlace();
    expect(await inspect(place)).toMatchObject({ 'pre-receive': 'missing' });
    await install(place);
    expect(await inspect(place, NEWER)).toEqual({ 'pre-receive': 'outdated', 'post-receive': 'outdated' });
    chmodSync(join(place.hooks, 'pre-receive'), 0o644);
    rmSync(join(place.hooks, 'post-receive'));
    expect(await inspect(place)).toEqual({
      'pre-receive': 'outdated',
      'post-receive': 'missing',
      'reference-transaction': 'installed',
    });
    await install(place);
    expect(new Set(Object.values(await inspect(place)))).toEqual(new Set(['installed']));
  });

  test('reaches the former hooks: new neighbours and those that are gone, at the next installation', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), '#!/bin/sh\n. "$(dirname "$0")/lib.sh"\n');
    write(join(place.hooks, 'old.sh'), 'echo old\n');
    await install(place);
    rmSync(join(place.hooks, 'old.sh'));
    write(join(place.hooks, 'lib.sh'), 'echo found\n');
    await install(place);
    expect(await runHook(place, 'pre-receive')).toBe('0 found');
    expect(readdirSync(join(place.hooks, 'before-gam'))).not.toContain('old.sh');
  });
});

describe('a folder of hooks of several repositories', () => {
  async function share(named: string): Promise<[Place, Place]> {
    const places = [await makePlace(), await makePlace()] as const;
    for (const { gitDir } of places) await sandbox.git(['config', 'core.hooksPath', named], { cwd: gitDir });
    const hooks = join(places[0].gitDir, named);
    return [
      { ...places[0], hooks },
      { ...places[1], hooks },
    ];
  }

  test('keeps gam for the others until the last one leaves, also where two come at once', async () => {
    const [one, two] = await share('../shared hooks');
    write(join(one.hooks, 'pre-receive'), '#!/bin/sh\necho former\n');
    const before = folderListing(one.hooks);
    const changes = await Promise.all([install(one), install(two)]);
    expect(changes.flatMap(({ sharedWith }) => sharedWith)).toHaveLength(1);
    expect(await remove(one)).toMatchObject({ sharedWith: [two.gitDir] });
    expect(await inspect(two)).toMatchObject({ 'pre-receive': 'installed' });
    expect(await inspect(one)).toMatchObject({ 'pre-receive': 'outdated' });
    expect(await runHook(two, 'pre-receive')).toBe('0 former');
    expect(await remove(two)).toMatchObject({ sharedWith: [] });
    expect(folderListing(one.hooks)).toEqual(before);
  });

  test('is not kept for one that is gone, and goes where gam has made it', async () => {
    const [one, two] = await share('../made/for/gam');
    await install(one);
    await install(two);
    rmSync(one.gitDir, { recursive: true });
    expect(await remove(two)).toMatchObject({ sharedWith: [] });
    expect(existsSync(sandbox.path('made'))).toBe(false);
  });
});

describe('a folder that cannot be written to is refused before anything changes', () => {
  test('as where core.hooksPath names a device, to have no hooks', async () => {
    const place = await makePlace();
    await sandbox.git(['config', 'core.hooksPath', '/dev/null'], { cwd: place.gitDir });
    await expect(install(place)).rejects.toMatchObject({ code: 'bad-hooks' });
    await expect(inspect(place)).rejects.toMatchObject({ code: 'bad-hooks' });
  });

  test('as where something is neither a hook nor a link', async () => {
    const place = await makePlace();
    write(join(place.hooks, 'post-receive', 'x'), '');
    const before = folderListing(place.hooks);
    await expect(install(place)).rejects.toMatchObject({ code: 'bad-hooks' });
    expect(folderListing(place.hooks)).toEqual(before);
  });

  test('as where there is no repository', async () => {
    await expect(installHooks(sandbox.path('home'), SCRIPTS, run())).rejects.toMatchObject({
      code: 'not-a-repository',
    });
  });

  const isRoot = process.getuid?.() === 0;
  test("as where it is another user's", async () => {
    const place = await makePlace();
    write(join(place.hooks, 'pre-receive'), '#!/bin/sh\n');
    const before = folderListing(place.hooks);
    chmodSync(place.hooks, 0o555);
    chmodSync(sandbox.root, 0o755);
    // Nothing is closed to root, who becomes somebody else for this.
    if (isRoot) process.seteuid?.(65_534);
    try {
      await expect(install(place)).rejects.toMatchObject({ code: 'bad-hooks' });
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(place.hooks, 0o755);
    }
    expect(folderListing(place.hooks)).toEqual(before);
  });
});
