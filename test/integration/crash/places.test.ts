import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  expectClean,
  expectNoChildren,
  expectSameRefs,
  fsckComplaints,
  leftovers,
} from '../../helpers/evidence.ts';
import { asBare, asFetched } from '../../helpers/refs.ts';
import { setOrigin } from '../../helpers/repository.ts';
import { cloneArguments, copyRepository, expectFetched, type Scene, setScene } from '../../helpers/scene.ts';

// Where a repository may lie, what the user may have set, and what gam says to whom.

let scene: Scene;

beforeAll(async () => {
  scene = await setScene({ transport: 'http' });
});

afterAll(() => scene.close());

const ACCOUNT = /^gam: [0-9.]+ KiB from 127\.0\.0\.1:[0-9]+, [0-9.]+ KiB from canonical \([0-9]+ % saved\)$/m;
const isRoot = process.getuid?.() === 0;

async function stagedRefs(clone: string): Promise<string> {
  const { stdout } = await scene.sandbox.git(['for-each-ref', 'refs/mirror'], { cwd: clone });
  return stdout;
}

describe('places', () => {
  test.each([
    ['a space', 'with space'],
    ['a colon', 'with:colon'],
    ['quotes', `with"double'single`],
    ['a backslash', 'with\\backslash'],
    ['other letters', 'mit-Ümläut-中文'],
    ['a line end', 'with\nnewline'],
    ['a tab', 'with\ttab'],
    ['a space in front', ' front'],
  ])('a repository whose path has %s', async (_name, path) => {
    await scene.copy(path);
    const { stderr } = await scene.sandbox.git(['fetch'], { cwd: path });
    expect(stderr).toMatch(ACCOUNT);
    await expectFetched(scene, path);
  });

  test('a linked worktree, a subfolder, and a GIT_DIR that is relative', async () => {
    const { sandbox } = scene;
    const inWorktree = await scene.copy('of-worktree');
    await sandbox.git(['worktree', 'add', '-q', '-b', 'side', '../worktree', 'origin/main'], {
      cwd: inWorktree,
    });
    expect((await sandbox.git(['fetch'], { cwd: 'worktree' })).stderr).toMatch(ACCOUNT);
    await expectFetched(scene, inWorktree);

    const inFolder = await scene.copy('of-folder');
    mkdirSync(sandbox.path('of-folder/deep/down'), { recursive: true });
    expect((await sandbox.git(['fetch'], { cwd: 'of-folder/deep/down' })).stderr).toMatch(ACCOUNT);
    await expectFetched(scene, inFolder);

    const byVariable = await scene.copy('by-variable');
    const env = { GIT_DIR: 'by-variable/.git', GIT_WORK_TREE: 'by-variable' };
    expect((await sandbox.git(['fetch'], { env })).stderr).toMatch(ACCOUNT);
    await expectFetched(scene, byVariable);
  });

  test('a repository that borrows objects from another', async () => {
    const { sandbox } = scene;
    const options = ['--reference', sandbox.path('ready')];
    const [first = '', ...rest] = cloneArguments(scene, 'borrowing');
    await sandbox.git([first, ...options, ...rest]);
    await expectFetched(scene, 'borrowing');
    expect(readFileSync(sandbox.path('borrowing/.git/objects/info/alternates'), 'utf8')).toContain('ready');
  });

  test('core.sharedRepository: what came from a mirror belongs to the group, too', async () => {
    const { sandbox } = scene;
    const clone = await scene.copy('shared');
    await sandbox.git(['config', 'core.sharedRepository', 'group'], { cwd: clone });
    await sandbox.git(['config', 'fetch.unpackLimit', '1'], { cwd: clone });
    await sandbox.git(['fetch', '-q'], { cwd: clone });
    await expectFetched(scene, clone);
    const objects = sandbox.path(clone, '.git/objects/pack');
    const packs = readdirSync(objects).filter((name) => name.endsWith('.pack'));
    expect(packs.length).toBeGreaterThan(1);
    for (const name of packs) expect(statSync(join(objects, name)).mode & 0o060).toBe(0o040);
  });

  test('HOME is not set', async () => {
    const clone = await scene.copy('homeless');
    const env = { HOME: undefined, XDG_CONFIG_HOME: undefined, GIT_CONFIG_GLOBAL: undefined };
    expect((await scene.sandbox.git(['fetch'], { cwd: clone, env })).stderr).toMatch(ACCOUNT);
    await expectFetched(scene, clone);
  });

  test.skipIf(!isRoot)('as another user, who may read gam and nothing more', async () => {
    const { sandbox } = scene;
    const place = sandbox.path('elsewhere');
    // gam as a package manager lays it out, where everybody may look.
    for (const part of ['bin', 'dist', 'package.json']) {
      const from = fileURLToPath(new URL(`../../../${part}`, import.meta.url));
      cpSync(from, join(place, part), { recursive: true, dereference: true });
    }
    chmodSync(sandbox.root, 0o755);
    const clone = await scene.copy('of-nobody');
    await sandbox.run('chown', ['-R', 'nobody', clone]);
    const as = ['--reuid=nobody', '--clear-groups', 'git'];
    const env = {
      PATH: `${join(place, 'bin')}:${process.env['PATH']}`,
      HOME: '/nonexistent',
      GIT_CONFIG_GLOBAL: undefined,
    };
    const { stderr } = await sandbox.run('setpriv', [...as, 'fetch'], { cwd: clone, env });
    expect(stderr).toMatch(ACCOUNT);
    await expectNoChildren(sandbox);
    const { stdout } = await sandbox.run('setpriv', [...as, 'for-each-ref'], { cwd: clone, env });
    expect(stdout).not.toContain('refs/mirror');
    await sandbox.run('chown', ['-R', 'root', clone]);
    await expectFetched(scene, clone);
  });

  test.skipIf(!isRoot)("a repository of another user's is refused as by git", async () => {
    const { sandbox } = scene;
    const clone = await scene.copy('foreign');
    await sandbox.run('chown', ['-R', 'nobody', clone]);
    const { stderr } = await sandbox.git(['fetch'], { cwd: clone, expectStatus: 128 });
    expect(stderr).toContain('dubious ownership');
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'safe.directory', GIT_CONFIG_VALUE_0: '*' };
    const allowed = await sandbox.git(['-c', 'safe.directory=*', 'fetch'], {
      cwd: clone,
      env,
      expectStatus: null,
    });
    await expectNoChildren(sandbox);
    await sandbox.run('chown', ['-R', 'root', clone]);
    if (allowed.status === 0) await expectFetched(scene, clone);
    else expect(await scene.isUntouched(clone)).toBe(true);
  });

  test.skipIf(!isRoot)('an object directory that cannot be written to fails as with plain git', async () => {
    const { sandbox } = scene;
    const clone = await scene.copy('read-only');
    await sandbox.run('chmod', ['-R', 'a-w', `${clone}/.git/objects`]);
    // Root may write anywhere; somebody else may not.
    chmodSync(sandbox.root, 0o755);
    const plain = await copyRepository(sandbox, clone, 'read-only-plain');
    setOrigin(sandbox, plain, { url: scene.canonical });
    await sandbox.run('chown', ['-R', 'nobody', clone, plain]);
    const as = ['--reuid=nobody', '--clear-groups', 'git', 'fetch'];
    const place = sandbox.path('elsewhere/bin');
    const env = {
      PATH: `${place}:${process.env['PATH']}`,
      HOME: '/nonexistent',
      GIT_CONFIG_GLOBAL: undefined,
    };
    const ours = await sandbox.run('setpriv', as, { cwd: clone, env, expectStatus: null });
    const theirs = await sandbox.run('setpriv', as, { cwd: plain, env, expectStatus: null });
    expect(ours.status).toBe(theirs.status);
    await expectNoChildren(sandbox);
    await sandbox.run('chown', ['-R', 'root', clone, plain]);
    expect(await scene.isUntouched(clone)).toBe(true);
    await expectClean(sandbox, clone);
  });
});

describe('what is said', () => {
  test('the account, and progress only where git shows it', async () => {
    const { sandbox } = scene;
    const outputs: Record<string, string> = {};
    for (const option of ['--progress', '--no-progress', '-q']) {
      const clone = await scene.copy(`said${option}`);
      const { stdout, stderr } = await sandbox.git(['fetch', option], { cwd: clone });
      expect(stdout).toBe('');
      await expectFetched(scene, clone);
      outputs[option] = stderr;
    }
    expect(outputs['--progress']).toMatch(ACCOUNT);
    expect(outputs['--progress']).toMatch(/^remote: .*objects/m);
    expect(outputs['--no-progress']).toMatch(ACCOUNT);
    expect(outputs['--no-progress']).not.toMatch(/^remote: |%\s*\(\d+\/\d+\)/m);
    expect(outputs['-q']).toBe('');
  });

  test('standard output is that of plain git', async () => {
    const { sandbox } = scene;
    const clone = await scene.copy('porcelain');
    const plain = await scene.copy('porcelain-plain');
    setOrigin(sandbox, plain, { url: scene.canonical });
    for (const args of [
      ['ls-remote'],
      ['fetch', '--dry-run'],
      ['fetch', '-v'],
      ['log', '--oneline', '--all'],
    ]) {
      const [ours, theirs] = [
        await sandbox.git(args, { cwd: clone }),
        await sandbox.git(args, { cwd: plain }),
      ];
      expect(ours.stdout).toBe(theirs.stdout);
    }
    await expectFetched(scene, clone);
  });

  test('GAM_TRACE goes to standard error, to a file, or nowhere when it cannot', async () => {
    const { sandbox } = scene;
    const first = await scene.copy('traced');
    const shown = await sandbox.git(['fetch', '-q'], { cwd: first, env: { GAM_TRACE: '1' } });
    expect(shown.stderr).toMatch(/^(?:gam-trace: [0-9]+ [a-z-]+(?: [a-z]+=\S*)*\n)+$/);
    await expectFetched(scene, first);

    const second = await scene.copy('traced-to-file');
    const file = sandbox.path('gam.log');
    const written = await sandbox.git(['fetch', '-q'], { cwd: second, env: { GAM_TRACE: file } });
    expect(written.stderr).toBe('');
    expect(readFileSync(file, 'utf8')).toMatch(/^gam-trace: [0-9]+ refs-written refs=1 site=\S+$/m);
    await expectFetched(scene, second);

    const third = await scene.copy('traced-nowhere');
    for (const path of [sandbox.path('no/such/folder/log'), sandbox.root]) {
      expect((await sandbox.git(['fetch', '-q'], { cwd: third, env: { GAM_TRACE: path } })).stderr).toBe('');
    }
    await expectFetched(scene, third);
  });

  test('GAM_DISABLE passes everything through and looks at no mirror', async () => {
    const { sandbox, server } = scene;
    const clone = await scene.copy('switched-off');
    server.requests.length = 0;
    const { stderr } = await sandbox.git(['fetch'], { cwd: clone, env: { GAM_DISABLE: '1' } });
    expect(stderr).not.toContain('gam:');
    expect(server.requests.filter(({ path }) => path.startsWith('/mirror.git'))).toEqual([]);
    await expectFetched(scene, clone);
  });
});

describe('sweeping', () => {
  test('gam.sweep=next leaves it to the next fetch, never to nobody', async () => {
    const { sandbox } = scene;
    for (const when of ['next', 'never']) {
      const clone = await scene.copy(`sweep-${when}`);
      await sandbox.git(['config', 'gam.sweep', when], { cwd: clone });
      // Without tags, for which git may start a second helper, and that would be the next one.
      await sandbox.git(['fetch', '--no-tags'], { cwd: clone });
      await expectNoChildren(sandbox);
      // Refs are all that waits: no folder, no lock, no .keep.
      const left = await leftovers(sandbox, clone, 0);
      expect(left).toEqual([expect.stringMatching(/^refs\/mirror\/127\.0\.0\.1\+[0-9]+\/heads\/main$/)]);
      expect(await fsckComplaints(sandbox, clone)).toEqual([]);
      await sandbox.git(['fetch', '--no-tags'], { cwd: clone });
      await expectNoChildren(sandbox);
      expect((await stagedRefs(clone)) === '').toBe(when === 'next');
    }
  });

  test('a fetch that writes only FETCH_HEAD, or not even that', async () => {
    const { sandbox, canonical } = scene;
    for (const options of [[], ['--no-write-fetch-head']]) {
      const clone = await scene.copy(`fetch-head${options.join('')}`);
      const url = ['-c', `mirror.${canonical}.url=${scene.mirror}`];
      await sandbox.git([...url, 'fetch', ...options, `mirror::${canonical}`, 'main'], { cwd: clone });
      await expectNoChildren(sandbox);
      await expectClean(sandbox, clone);
      expect(existsSync(sandbox.path(clone, '.git/FETCH_HEAD'))).toBe(options.length === 0);
      await sandbox.git(['fetch', '-q'], { cwd: clone });
      await expectFetched(scene, clone);
    }
  });

  test('a mirror that has everything: nothing is left of the empty pack either', async () => {
    const complete = await setScene({ transport: 'file', ahead: 0 });
    try {
      const { sandbox } = complete;
      const [first = '', ...rest] = cloneArguments(complete, 'whole.git');
      await sandbox.git([first, '--bare', ...rest]);
      await expectNoChildren(sandbox);
      await expectClean(sandbox, 'whole.git');
      await expectSameRefs(sandbox, 'whole.git', 'served/canonical.git', asBare);
      const packs = readdirSync(sandbox.path('whole.git/objects/pack')).filter((name) =>
        name.endsWith('.pack'),
      );
      expect(packs).toHaveLength(1);
    } finally {
      await complete.close();
    }
  });

  test('two helpers at once in one repository', async () => {
    const { sandbox } = scene;
    const clone = await scene.copy('twice');
    const fetches = [0, 1].map(() => sandbox.git(['fetch', '-q'], { cwd: clone, expectStatus: null }));
    const statuses = (await Promise.all(fetches)).map(({ status }) => status);
    // Plain git, too, may lose the race for a ref; it never breaks anything.
    expect(statuses).toContain(0);
    await expectNoChildren(sandbox);
    await expectClean(sandbox, clone);
    await expectSameRefs(sandbox, clone, 'served/canonical.git', asFetched);
  });
});
