import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chmod, cp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { makeElsewhere } from '../helpers/elsewhere.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { startHttpServer } from '../helpers/http-server.ts';
import type { Line } from '../helpers/line.ts';
import { asFetched } from '../helpers/refs.ts';
import { addCommits, cloneBare, generateHistory } from '../helpers/repository.ts';

// `gam clone` that broke off goes on where it was, from any mirror.

let bed: Bed;
/** The bytes of a clone that nothing breaks. */
let uninterrupted: number;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'canonical', { commits: 800, tags: 32, blobSize: 4000 });
  await cloneBare(bed.sandbox, 'canonical', 'mirrors/fresh');
  const line = await bed.line();
  await bed.sandbox.run('gam', words('uninterrupted', [line]));
  uninterrupted = line.bytesDown;
  expect(kept()).toEqual([]);
});

beforeEach(async () => {
  await bed.forgetMirrors();
  await rm(bed.sandbox.path('home/.cache'), { recursive: true, force: true });
});

afterAll(() => bed.close());

function words(to: string, lines: readonly Line[], canonical = bed.sandbox.path('canonical')): string[] {
  const mirrors = lines.map(({ port }) => `remote.origin.mirrorUrl=http://127.0.0.1:${port}/fresh`);
  const config = [...mirrors, 'gam.checkpoints=always', 'gam.raceDelay=100s', 'gam.lowSpeedTime=100s'];
  return ['clone', ...config.flatMap((setting) => ['-c', setting]), canonical, to];
}

/** The folders of clones that broke off. */
function kept(cache = bed.sandbox.path('home/.cache')): string[] {
  const root = `${cache}/gam/clones`;
  const names = existsSync(root) ? readdirSync(root).filter((name) => !name.includes('.')) : [];
  return names.map((name) => `${root}/${name}`);
}

/** The bytes of packs in there. */
function keptBytes(): number {
  const records = kept().map((folder) => JSON.parse(readFileSync(`${folder}/kept.json`, 'utf8')));
  return records.reduce((sum: number, { bytes }) => sum + bytes, 0);
}

/** A clone that a signal ends when so much of it has come, and what it said. */
async function breakOff(to: string, share: number, signal: NodeJS.Signals, env = {}): Promise<string> {
  const after = Math.round(share * uninterrupted);
  const line = await bed.line({ fault: { kind: 'stall', after } });
  const running = bed.sandbox.start('gam', words(to, [line]), { env });
  await Promise.race([line.reached(after), running.ended]);
  running.kill(signal);
  const { stderr } = await running.ended;
  await expectNoChildren(bed.sandbox);
  return stderr;
}

async function expectCloned(to: string, canonical = 'canonical'): Promise<void> {
  await expectNoChildren(bed.sandbox);
  await expectClean(bed.sandbox, to);
  await expectSameRefs(bed.sandbox, to, canonical, asFetched);
  expect(kept()).toEqual([]);
}

const GOING_ON = /^gam: going on from .* that an earlier clone has brought$/m;

describe('it goes on', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('behind %s, from another mirror', async (signal) => {
    const said = await breakOff(`by-${signal}`, 0.6, signal);
    if (signal !== 'SIGKILL') {
      expect(said).toMatch(/^gam: .* are kept; /m);
      expect(existsSync(bed.sandbox.path(`by-${signal}`))).toBe(false);
    }
    const line = await bed.line();
    const { stderr } = await bed.sandbox.run('gam', words(`after-${signal}`, [line]));
    expect(stderr).toMatch(GOING_ON);
    await expectCloned(`after-${signal}`);
    expect(line.bytesDown).toBeLessThan(0.65 * uninterrupted);
  });

  test('from a cache on another file system, where no hard link leads', async ({ skip }) => {
    const { sandbox } = bed;
    const elsewhere = makeElsewhere(sandbox.root);
    if (elsewhere === null) return skip('this machine has no second file system to write to');
    onTestFinished(() => elsewhere.remove());
    writeFileSync(sandbox.path('file'), '');
    const link = () => linkSync(sandbox.path('file'), `${elsewhere.folder}/file`);
    expect(link).toThrow(expect.objectContaining({ code: 'EXDEV' }));
    const env = { XDG_CACHE_HOME: elsewhere.folder };
    expect(await breakOff('other-disk', 0.6, 'SIGTERM', env)).toMatch(/^gam: .* are kept; /m);
    const [folder = ''] = kept(elsewhere.folder);
    const files = readdirSync(folder);
    expect(files).toContain('kept.json');
    expect(files.filter((name) => !/^(?:kept\.json|pack-[0-9a-f]+\.(?:pack|idx|rev))$/.test(name))).toEqual(
      [],
    );
    const line = await bed.line();
    const { stderr } = await sandbox.run('gam', words('from-other-disk', [line]), { env });
    expect(stderr).toMatch(GOING_ON);
    await expectCloned('from-other-disk');
    expect(kept(elsewhere.folder)).toEqual([]);
    expect(line.bytesDown).toBeLessThan(0.65 * uninterrupted);
  });

  test('from canonical alone, where no mirror is left', async () => {
    await breakOff('mirror-gone', 0.7, 'SIGHUP');
    bed.packs.forget();
    const dead = await bed.line({ fault: { kind: 'reset' } });
    const { stderr } = await bed.sandbox.run('gam', words('from-canonical', [dead]));
    expect(stderr).toMatch(GOING_ON);
    await expectCloned('from-canonical');
    expect(bed.packs.sentFrom('canonical')).toBeLessThan(0.6 * uninterrupted);
  });

  test('behind a line to canonical that was lost when the mirror had sent all', async () => {
    const { sandbox } = bed;
    const line = await bed.line();
    // Something that is missing in the mirror, so that canonical is needed.
    await cp(sandbox.path('canonical'), sandbox.path('lost/repo'), { recursive: true });
    await addCommits(sandbox, 'lost/repo', 1, { seed: 3 });
    const server = await startHttpServer({ root: sandbox.path('lost'), env: sandbox.serverEnv });
    onTestFinished(() => server.close());
    server.answer = (request, response) => {
      const lost = request.method === 'POST' && line.bytesDown > 0.9 * uninterrupted;
      if (lost) response.destroy();
      return lost;
    };
    const args = words('lost-line', [line], `${server.url}/repo`);
    const { stderr: said } = await sandbox.run('gam', args, { expectStatus: 128 });
    expect(said).toMatch(/^gam: .* are kept; /m);
    expect(existsSync(sandbox.path('lost-line'))).toBe(false);
    server.answer = null;
    const before = line.bytesDown;
    const { stderr } = await sandbox.run('gam', args);
    expect(stderr).toMatch(GOING_ON);
    await expectCloned('lost-line', 'lost/repo');
    expect(line.bytesDown - before).toBeLessThan(0.2 * uninterrupted);
  });

  test('where canonical has moved on, and rewritten a branch', async () => {
    const { sandbox } = bed;
    await cp(sandbox.path('canonical'), sandbox.path('canonical.before'), { recursive: true });
    onTestFinished(async () => {
      await rm(sandbox.path('canonical'), { recursive: true });
      await sandbox.run('mv', ['canonical.before', 'canonical']);
    });
    await breakOff('moving', 0.95, 'SIGTERM');
    await addCommits(sandbox, 'canonical', 30, { seed: 8 });
    await sandbox.git(['update-ref', 'refs/heads/topic-0', 'main~200'], { cwd: 'canonical' });
    await sandbox.git(['update-ref', '-d', 'refs/tags/v3'], { cwd: 'canonical' });
    const line = await bed.line();
    const { stderr } = await sandbox.run('gam', words('moved', [line]));
    expect(stderr).toMatch(GOING_ON);
    await expectCloned('moved');
    expect(line.bytesDown + bed.packs.sentFrom('canonical')).toBeLessThan(uninterrupted);
  });
});

const IN_PARTS = /^gam: the last clone broke off; this one comes in parts, which are kept$/m;

// Under `gam.checkpoints=auto` a good line brings all in one piece, of which nothing is left when it breaks.
test.each(['SIGKILL', 'SIGTERM'] as const)(
  'what broke off once comes in parts the next time, behind %s, unless the user says otherwise',
  async (signal) => {
    const { sandbox } = bed;
    const after = Math.round(0.7 * uninterrupted);
    const told: boolean[] = [];
    const broken = async (...options: string[]) => {
      const line = await bed.line({ fault: { kind: 'stall', after } });
      // The very same command each time.
      await sandbox.git([
        'config',
        '--global',
        `mirror.${sandbox.root}/.url`,
        `http://127.0.0.1:${line.port}/`,
      ]);
      const settings = ['gam.raceDelay=100s', 'gam.lowSpeedTime=100s', ...options];
      const config = settings.flatMap((setting) => ['-c', setting]);
      const running = sandbox.start('gam', ['clone', ...config, sandbox.path('fresh'), 'once']);
      await Promise.race([line.reached(after), running.ended]);
      running.kill(signal);
      const { stderr } = await running.ended;
      told.push(IN_PARTS.test(stderr));
      await expectNoChildren(sandbox);
      return keptBytes();
    };
    onTestFinished(async () => {
      await sandbox.git(['config', '--global', '--remove-section', `mirror.${sandbox.root}/`]);
    });
    await cp(sandbox.path('canonical'), sandbox.path('fresh'), { recursive: true });
    expect(await broken()).toBe(0);
    expect(await broken()).toBeGreaterThan(0.4 * uninterrupted);
    await rm(sandbox.path('home/.cache'), { recursive: true });
    expect(await broken('gam.checkpoints=auto')).toBe(0);
    expect(await broken('gam.checkpoints=auto')).toBe(0);
    expect(told).toEqual([false, true, false, false]);
  },
);

test('so does what broke off because all lines were lost', async () => {
  const { sandbox } = bed;
  const server = await startHttpServer({ root: sandbox.root, env: sandbox.serverEnv });
  onTestFinished(() => server.close());
  let lost = true;
  const line = await bed.line();
  line.setFault(() => (lost ? { kind: 'cut', after: Math.round(0.7 * uninterrupted) } : null));
  server.answer = (request, response) => {
    const gone = lost && request.method === 'POST' && line.bytesDown > 0.6 * uninterrupted;
    if (gone) response.destroy();
    return gone;
  };
  const mirror = `remote.origin.mirrorUrl=http://127.0.0.1:${line.port}/fresh`;
  const args = ['clone', '-c', mirror, `${server.url}/canonical`, 'lines-lost'];
  const first = await sandbox.run('gam', args, { expectStatus: 128 });
  expect(first.stderr).toMatch(/^gam: passing over /m);
  expect(first.stderr).not.toMatch(IN_PARTS);
  lost = false;
  await bed.forgetMirrors();
  const { stderr } = await sandbox.run('gam', args);
  expect(stderr).toMatch(IN_PARTS);
  await expectCloned('lines-lost');
});

describe('what a killed clone has left in its folder', () => {
  test.each([
    ['whole', []],
    ['bare', ['--bare']],
  ])('goes when the same command is run again: %s', async (to, options) => {
    const { sandbox } = bed;
    const after = Math.round(0.6 * uninterrupted);
    const silent = await bed.line({ fault: { kind: 'stall', after } });
    const line = await bed.line();
    const running = sandbox.start('gam', [...words(to, [silent]), ...options]);
    await silent.reached(after);
    running.kill('SIGKILL');
    await running.ended;
    await expectNoChildren(sandbox);
    expect(existsSync(sandbox.path(to))).toBe(true);
    const { stderr } = await sandbox.run('gam', [...words(to, [line]), ...options]);
    expect(stderr).toMatch(GOING_ON);
    expect(line.bytesDown).toBeLessThan(0.65 * uninterrupted);
    await expectNoChildren(sandbox);
    await expectClean(sandbox, to);
    if (to === 'whole') await expectSameRefs(sandbox, to, 'canonical', asFetched);
  });

  test.each([
    ['another file', (clone: string) => bed.sandbox.run('touch', [`${clone}/mine`])],
    ['a ref', (clone: string) => bed.sandbox.git(['commit', '--allow-empty', '-qm', 'mine'], { cwd: clone })],
    ['another URL', (clone: string) => bed.sandbox.git(['config', 'remote.origin.url', 'x'], { cwd: clone })],
    [
      'no trace of gam',
      (clone: string) =>
        bed.sandbox.run('sh', ['-c', 'rm -rf .git/objects/tmp_objdir-* .git/refs/mirror'], { cwd: clone }),
    ],
  ])('stays where there is %s', async (what, change) => {
    const { sandbox } = bed;
    const to = `with-${what.replaceAll(' ', '-')}`;
    await breakOff(to, 0.3, 'SIGKILL');
    await change(to);
    const line = await bed.line();
    const { stderr } = await sandbox.run('gam', words(to, [line]), { expectStatus: 128 });
    expect(stderr).toMatch(/^fatal: destination path .* already exists and is not an empty directory/m);
    expect(existsSync(sandbox.path(to, '.git/HEAD'))).toBe(true);
  });

  test('stays while somebody works there', async () => {
    const after = Math.round(0.3 * uninterrupted);
    const silent = await bed.line({ fault: { kind: 'stall', after } });
    const running = bed.sandbox.start('gam', words('busy', [silent]));
    await silent.reached(after);
    const again = await bed.sandbox.run('gam', words('busy', [silent]), { expectStatus: 128 });
    expect(again.stderr).toMatch(/^fatal: destination path /m);
    running.kill('SIGINT');
    expect((await running.ended).status).toBe(0);
    await expectCloned('busy');
  });
});

describe('what was kept is not trusted', () => {
  async function tampered(how: (folder: string) => Promise<void>, to: string): Promise<void> {
    await breakOff(`${to}-before`, 0.6, 'SIGTERM');
    const [folder = ''] = kept();
    await how(folder);
    const line = await bed.line();
    const { stderr } = await bed.sandbox.run('gam', words(to, [line]));
    expect(stderr).not.toMatch(GOING_ON);
    await expectCloned(to);
  }
  const packsIn = (folder: string) => readdirSync(folder).filter((name) => name.endsWith('.pack'));

  test('a byte of a pack has turned', () =>
    tampered(async (folder) => {
      const path = `${folder}/${packsIn(folder)[0]}`;
      const bytes = readFileSync(path);
      bytes[bytes.length >> 1] = ~(bytes[bytes.length >> 1] ?? 0) & 0xff;
      await chmod(path, 0o600);
      writeFileSync(path, bytes);
    }, 'turned'));

  test('a pack is missing', () => tampered((folder) => rm(`${folder}/${packsIn(folder)[0]}`), 'missing'));

  test('it names what is not there', () =>
    tampered(async (folder) => {
      const record = JSON.parse(readFileSync(`${folder}/kept.json`, 'utf8'));
      record.refs.push({ name: 'refs/heads/more', oid: '1'.repeat(40), site: 'x' });
      writeFileSync(`${folder}/kept.json`, JSON.stringify(record));
    }, 'named'));

  test('it is no record at all', () =>
    tampered(async (folder) => writeFileSync(`${folder}/kept.json`, '{"refs":1}'), 'garbage'));
});

test('a head start that turns out wrong is no earlier clone', async () => {
  const { sandbox } = bed;
  const server = await startHttpServer({ root: sandbox.root, env: sandbox.serverEnv });
  const line = await bed.line();
  onTestFinished(() => server.close());
  server.before = async (request) => {
    if (request.method === 'POST') await line.reached(0.5 * uninterrupted);
  };
  const args = [...words('single', [line], `${server.url}/canonical`), '--single-branch', '-b', 'v1'];
  const { stderr } = await sandbox.run('gam', args);
  expect(stderr).not.toMatch(GOING_ON);
  await expectNoChildren(sandbox);
  await expectClean(sandbox, 'single');
  expect(kept()).toEqual([]);
});

test('two at once do not share', async () => {
  const after = Math.round(0.6 * uninterrupted);
  const silent = await bed.line({ fault: { kind: 'stall', after } });
  const line = await bed.line();
  const first = bed.sandbox.start('gam', words('first', [silent]));
  await silent.reached(after);
  const { stderr } = await bed.sandbox.run('gam', words('second', [line]));
  expect(stderr).not.toMatch(GOING_ON);
  expect(kept()).toHaveLength(1);
  first.kill('SIGINT');
  expect((await first.ended).status).toBe(0);
  await expectCloned('first');
  await expectCloned('second');
});

test('gam sweep --clones drops what broke off, but not what a gam clone works with', async () => {
  const { sandbox } = bed;
  await breakOff('broken', 0.6, 'SIGTERM');
  const after = Math.round(0.6 * uninterrupted);
  const silent = await bed.line({ fault: { kind: 'stall', after } });
  const line = await bed.line();
  const busy = async () => {
    const { stdout } = await sandbox.run('gam', ['status', '--json']);
    return (JSON.parse(stdout) as { clones: { inUse: boolean }[] }).clones.map(({ inUse }) => inUse);
  };
  expect(await busy()).toEqual([false]);
  const { stdout } = await sandbox.run('gam', ['sweep', '--clones']);
  expect(stdout).toMatch(/^dropped 1 kept clone \([\d.]+ [KM]iB\)\n$/);
  expect(kept()).toEqual([]);
  const running = sandbox.start('gam', words('at-work', [silent, line]));
  await silent.reached(after);
  expect(await busy()).toEqual([true]);
  const again = await sandbox.run('gam', ['sweep', '--clones']);
  expect(again.stdout).toBe('no kept clone to drop; 1 in use stays\n');
  expect(kept()).toHaveLength(1);
  running.kill('SIGINT');
  expect((await running.ended).status).toBe(0);
  await expectCloned('at-work');
});

test('git clone neither keeps anything nor takes it up', async () => {
  const line = await bed.line();
  await breakOff('plain-before', 0.6, 'SIGTERM');
  const before = kept();
  expect(before).toHaveLength(1);
  const [command = '', ...rest] = words('plain', [line], `mirror::${bed.sandbox.path('canonical')}`);
  const { stderr } = await bed.sandbox.git([command, ...rest]);
  expect(stderr).not.toMatch(GOING_ON);
  expect(kept()).toEqual(before);
});
