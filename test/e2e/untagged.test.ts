import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { DELIM, FLUSH, linePacket } from '../../src/pkt-line/encode.ts';
import { BAND } from '../../src/pkt-line/sideband.ts';
import { argumentValues, hasArgument } from '../../src/protocol/fetch-request.ts';
import { emptyPack } from '../../src/remote-helper/completion.ts';
import { type Bed, makeBed } from '../helpers/bed.ts';
import { expectClean, expectNoChildren, expectSameRefs } from '../helpers/evidence.ts';
import { fakeSsh } from '../helpers/fake-ssh.ts';
import { startGitDaemon } from '../helpers/git-daemon.ts';
import {
  onBand,
  packFrom,
  packStart,
  refsToTell,
  type Script,
  scripted,
  startHostileServer,
} from '../helpers/hostile-server.ts';
import type { Line } from '../helpers/line.ts';
import { asFetched } from '../helpers/refs.ts';
import { cloneBare, generateHistory } from '../helpers/repository.ts';

// A history without tags comes in parts, too: a mirror that dies in the middle costs no more than the part on its way.

const DAY = 24 * 3600;
const SHAPE = { commits: 400, tags: 0, blobSize: 4000, step: 6 * DAY };

let bed: Bed;
/** The bytes of a clone that nothing breaks. */
let uninterrupted: number;

beforeAll(async () => {
  bed = await makeBed();
  mkdirSync(bed.sandbox.path('mirrors'));
  await generateHistory(bed.sandbox, 'canonical', SHAPE);
  await cloneBare(bed.sandbox, 'canonical', 'mirrors/fresh');
  const line = await bed.line();
  await clone('uninterrupted', [line], { 'gam.checkpoints': 'never' });
  uninterrupted = line.bytesDown;
});

beforeEach(() => bed.forgetMirrors());

afterAll(() => bed.close());

type Settings = Readonly<Record<string, string>>;

const IN_TURN: Settings = {
  'gam.checkpoints': 'always',
  'gam.raceDelay': '100s',
  'gam.connectTimeout': '500s',
  'gam.lowSpeedTime': '100s',
};

function options(urls: readonly string[], settings: Settings): string[] {
  const mirrors = urls.map((url) => `remote.origin.mirrorUrl=${url}`);
  const others = Object.entries({ ...IN_TURN, ...settings }).map(([key, value]) => `${key}=${value}`);
  return [...mirrors, ...others].flatMap((setting) => ['-c', setting]);
}

const urlOf = ({ port }: Line, repository = 'fresh') => `http://127.0.0.1:${port}/${repository}`;

async function expectCloned(to: string, canonical = 'canonical'): Promise<void> {
  const { sandbox } = bed;
  await expectNoChildren(sandbox);
  await expectClean(sandbox, to);
  await expectSameRefs(sandbox, to, canonical, asFetched);
}

/** Clones through mirrors that are tried one after the other. */
async function cloneFrom(
  to: string,
  urls: readonly string[],
  settings: Settings = {},
  canonical = 'canonical',
): Promise<string> {
  const { sandbox } = bed;
  const args = options(urls, settings);
  const { stderr } = await sandbox.git(['clone', ...args, `mirror::${sandbox.path(canonical)}`, to], {
    env: { GAM_TRACE: '1' },
  });
  await expectCloned(to, canonical);
  return stderr;
}

async function clone(to: string, lines: readonly Line[], settings: Settings = {}): Promise<string> {
  const stderr = await cloneFrom(
    to,
    lines.map((line) => urlOf(line)),
    settings,
  );
  return stderr;
}

/** A mirror of this repository dies after most of the bytes, and the next one goes on from there. */
async function expectGoingOn(repository: string): Promise<void> {
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(0.8 * uninterrupted) } });
  const next = await bed.line();
  const urls = [dying, next].map((line) => urlOf(line, repository));
  expect(await cloneFrom(`from-${repository}`, urls, {}, repository)).toMatch(/^gam: passing over /m);
  expect(dying.bytesDown + next.bytesDown).toBeLessThan(1.25 * uninterrupted);
}

test('a mirror dies after most of the bytes: the next one goes on', async () => {
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(0.8 * uninterrupted) } });
  const next = await bed.line();
  const stderr = await clone('dies', [dying, next]);
  expect(stderr).toMatch(/^gam: passing over /m);
  expect(dying.bytesDown + next.bytesDown).toBeLessThan(1.25 * uninterrupted);
  expect(stderr).toMatch(
    /^gam: .* from 127\.0\.0\.1:.* from 127\.0\.0\.1:.* from canonical \(9\d % saved\)$/m,
  );
});

// The first branch by its name was once taken for the main one, as in a repository whose development is on `unstable`.
test('so it does whatever the main branch is called', async () => {
  const { sandbox } = bed;
  await cloneBare(sandbox, 'canonical', 'unusual');
  const git = (...args: string[]) => sandbox.git(args, { cwd: 'unusual' });
  await git('branch', '-m', 'main', 'unstable');
  await git('symbolic-ref', 'HEAD', 'refs/heads/unstable');
  const { stdout: early } = await git('rev-list', '--skip=390', '--max-count=1', 'unstable');
  await git('branch', '1.0', early.trim());
  await cloneBare(sandbox, 'unusual', 'mirrors/unusual');
  await expectGoingOn('unusual');
});

test('so does a history that no dates cut, since it was made in a few minutes', async () => {
  const { sandbox } = bed;
  await generateHistory(sandbox, 'brief', { ...SHAPE, step: 1 });
  await cloneBare(sandbox, 'brief', 'mirrors/brief');
  await expectGoingOn('brief');
});

test('the last mirror dies: what came is kept, and canonical sends the rest', async () => {
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(0.7 * uninterrupted) } });
  bed.packs.forget();
  await clone('last-dies', [dying]);
  expect(bed.packs.sentFrom('canonical')).toBeLessThan(0.6 * uninterrupted);
});

test('a fetch that is large enough goes on in the same way', async () => {
  const { sandbox } = bed;
  const old = (await sandbox.git(['rev-list', '--skip=360', '--max-count=1', 'main'], { cwd: 'canonical' }))
    .stdout;
  await sandbox.git(['init', '-q', 'behind']);
  await sandbox.git(['fetch', '-q', sandbox.path('canonical'), `${old.trim()}:refs/heads/before`], {
    cwd: 'behind',
  });
  await sandbox.git(['remote', 'add', 'origin', `mirror::${sandbox.path('canonical')}`], { cwd: 'behind' });
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(0.8 * uninterrupted) } });
  const next = await bed.line();
  const args = options([urlOf(dying), urlOf(next)], {});
  const { stderr } = await sandbox.git([...args, 'fetch'], { cwd: 'behind' });
  expect(stderr).toMatch(/^gam: passing over /m);
  await expectCloned('behind');
  expect(dying.bytesDown + next.bytesDown).toBeLessThan(1.25 * uninterrupted);
});

test('gam clone that was killed goes on, from another mirror', async () => {
  const { sandbox } = bed;
  const after = Math.round(0.7 * uninterrupted);
  const silent = await bed.line({ fault: { kind: 'stall', after } });
  const next = await bed.line();
  const words = (line: Line) => ['clone', ...options([urlOf(line)], {}), sandbox.path('canonical'), 'killed'];
  const running = sandbox.start('gam', words(silent));
  await silent.reached(after);
  running.kill('SIGKILL');
  await running.ended;
  await expectNoChildren(sandbox);
  const { stderr } = await sandbox.run('gam', words(next));
  expect(stderr).toMatch(/^gam: going on from .* that an earlier clone has brought$/m);
  await expectCloned('killed');
  expect(next.bytesDown).toBeLessThan(0.55 * uninterrupted);
});

test.each([
  ['old', '360'],
  ['young', '0'],
])('tags that are all %s do not cut it', async (age, skip) => {
  const { sandbox } = bed;
  await cloneBare(sandbox, 'canonical', `mirrors/${age}`);
  const list = ['rev-list', '--first-parent', `--skip=${skip}`, '--max-count=12', 'main'];
  const commits = (await sandbox.git(list, { cwd: 'canonical' })).stdout.trim().split('\n').toReversed();
  const tags = commits.map((oid, index) => `create refs/tags/v${index} ${oid}\n`).join('');
  for (const cwd of ['canonical', `mirrors/${age}`])
    await sandbox.git(['update-ref', '--stdin'], { cwd, input: tags });
  onTestFinished(async () => {
    await sandbox.git(['update-ref', '--stdin'], {
      cwd: 'canonical',
      input: tags.replaceAll('create', 'delete'),
    });
  });
  const dying = await bed.line({ fault: { kind: 'cut', after: Math.round(0.8 * uninterrupted) } });
  const next = await bed.line();
  const stderr = await cloneFrom(age, [urlOf(dying, age), urlOf(next, age)]);
  expect(stderr).toMatch(/^gam: passing over /m);
  expect(dying.bytesDown + next.bytesDown).toBeLessThan(1.25 * uninterrupted);
});

test('git:// has a line for each question', async () => {
  const { sandbox } = bed;
  // Over the same line upload-pack would go on with the history cut as it was for the first one.
  const daemon = await startGitDaemon({ root: sandbox.path('mirrors'), env: sandbox.serverEnv });
  const line = await bed.line({
    to: daemon.port,
    fault: { kind: 'cut', after: Math.round(0.5 * uninterrupted) },
  });
  onTestFinished(() => daemon.close());
  bed.packs.forget();
  await cloneFrom('daemon', [`git://127.0.0.1:${line.port}/fresh`]);
  expect(line.connections).toBeGreaterThan(1);
  expect(bed.packs.sentFrom('canonical')).toBeLessThan(0.7 * uninterrupted);
});

/** A pack of all that canonical has, but for what these revisions lead to. */
async function everything(...but: readonly string[]): Promise<Buffer> {
  const refs = await refsToTell(bed.sandbox, 'canonical');
  return packFrom(bed.sandbox, 'canonical', [...refs.map(({ oid }) => oid), ...but], ['--revs']);
}

/** Answers that a history which began in 2001 is cut by every date at one commit. */
function cutAt(oid: string): Script['fetch'] {
  return (request, out) => {
    const [date] = argumentValues(request, 'deepen-since');
    const ends = Number(date) > 1e9 ? [linePacket(`shallow ${oid}`)] : [];
    const pack = onBand(BAND.data, emptyPack('sha1'));
    return out.send(linePacket('shallow-info'), ...ends, DELIM, linePacket('packfile'), ...pack, FLUSH);
  };
}

test('over ssh, too, where parts were asked for', async () => {
  const { sandbox } = bed;
  const ssh = fakeSsh(sandbox);
  const url = `ssh://mirror.example${sandbox.path('mirrors/fresh')}`;
  const cloneBySsh = async (to: string, urls: readonly string[], env = {}) => {
    const args = options(urls, {});
    const words = ['clone', ...args, `mirror::${sandbox.path('canonical')}`, to];
    const { stderr } = await sandbox.git(words, { env: { ...ssh.env, ...env } });
    await expectCloned(to);
    return stderr;
  };
  await cloneBySsh('by-ssh', [url]);
  const calls = ssh.calls().length;
  expect(calls).toBeGreaterThan(8);
  // What the first clone has shown of ssh must not put the other mirror first.
  await bed.forgetMirrors();
  // It is gone before the last parts.
  const next = await bed.line();
  const stderr = await cloneBySsh('by-ssh-and-web', [url, urlOf(next)], {
    FAKE_SSH_LAST: `${2 * calls - 3}`,
  });
  expect(stderr).toMatch(/^gam: passing over mirror\.example: /m);
  expect(next.bytesDown).toBeLessThan(0.5 * uninterrupted);
});

test('auto begins anew, in parts, where a large history comes over a line that is far and thin', async () => {
  const { sandbox } = bed;
  const oid = (await sandbox.git(['rev-parse', 'main~200'], { cwd: 'canonical' })).stdout.trim();
  const older = await packFrom(sandbox, 'canonical', [oid], ['--revs']);
  const packs = { whole: await everything(), older, rest: await everything(`^${oid}`) };
  // As if there were millions of objects to come.
  packs.whole.writeUInt32BE(10_000_000, 8);
  const sent: string[] = [];
  const server = await startHostileServer({
    ...scripted(await refsToTell(sandbox, 'canonical'), packs.whole),
    fetch: async (request, out) => {
      if (hasArgument(request, 'deepen-since')) return cutAt(oid)(request, out);
      const wanted = argumentValues(request, 'want').includes(oid);
      const builds = argumentValues(request, 'have').includes(oid);
      const name = wanted ? 'older' : builds ? 'rest' : 'whole';
      sent.push(name);
      return out.send(...packStart(request), ...onBand(BAND.data, packs[name]), FLUSH);
    },
  });
  const line = await bed.line({ to: server.port, latency: 20, download: 6e5 });
  onTestFinished(() => server.close());
  bed.packs.forget();
  const url = `git://127.0.0.1:${line.port}/mirror.git`;
  const stderr = await cloneFrom('auto', [url], { 'gam.checkpoints': 'auto' });
  expect(sent).toEqual(['whole', 'older', 'rest']);
  expect(stderr).not.toMatch(/passing over/);
  expect(bed.packs.sentFrom('canonical')).toBe(0);
});

describe('a server that does not play along is asked for all in one piece', () => {
  /** Serves canonical's history by a script, which says what is sent to a question for dates. */
  async function served(to: string, question: Script['fetch'], other?: Script['fetch']): Promise<string> {
    const { sandbox } = bed;
    const refs = await refsToTell(sandbox, 'canonical');
    const pack = await everything();
    const whole = scripted(refs, pack);
    const server = await startHostileServer({
      ...whole,
      fetch: async (request, out) => {
        if (hasArgument(request, 'deepen-since')) return question(request, out);
        return other === undefined ? whole.fetch(request, out) : other(request, out);
      },
    });
    onTestFinished(() => server.close());
    bed.packs.forget();
    const stderr = await cloneFrom(to, [server.url]);
    expect(stderr).not.toMatch(/passing over/);
    expect(bed.packs.sentFrom('canonical')).toBe(0);
    return stderr;
  }

  test('it refuses', () =>
    served('refuses', (_request, out) => out.send(linePacket('ERR no shallow clones here'))));

  test('it hangs up', () => served('hangs-up', async (_request, out) => out.end()));

  test('it sends everything', async () => {
    const pack = await everything();
    await served('sends-all', (request, out) => out.send(...packStart(request), ...onBand(BAND.data, pack)));
  });

  test('it gives no commit that no ref names', async () => {
    const { sandbox } = bed;
    const oid = (await sandbox.git(['rev-parse', 'main~200'], { cwd: 'canonical' })).stdout.trim();
    const pack = await everything();
    await served('names-only', cutAt(oid), (request, out) =>
      argumentValues(request, 'want').includes(oid)
        ? out.send(linePacket(`ERR upload-pack: not our ref ${oid}`))
        : out.send(...packStart(request), ...onBand(BAND.data, pack), FLUSH),
    );
  });

  test('what it slips in of another history is gone in the end', async () => {
    const { sandbox } = bed;
    await generateHistory(sandbox, 'foreign', { commits: 30, tags: 0, branches: 0, seed: 9 });
    const oid = (await sandbox.git(['rev-parse', 'main'], { cwd: 'foreign' })).stdout.trim();
    const [foreign, pack] = [await packFrom(sandbox, 'foreign', [oid], ['--revs']), await everything()];
    let asked = 0;
    await served('slips-in', cutAt(oid), (request, out) => {
      const wanted = argumentValues(request, 'want').includes(oid);
      if (wanted) asked += 1;
      return out.send(...packStart(request), ...onBand(BAND.data, wanted ? foreign : pack), FLUSH);
    });
    expect(asked).toBe(1);
    await sandbox.git(['cat-file', '-e', oid], { cwd: 'slips-in', expectStatus: 1 });
  });
});
