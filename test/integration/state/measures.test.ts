import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Mirror } from '../../../src/mirror/mirror.ts';
import { type Location, parseLocation } from '../../../src/protocol/location.ts';
import { type Note, recall, remember, rememberPlaces } from '../../../src/state/measures.ts';
import { makeSandbox, type Sandbox } from '../../helpers/sandbox.ts';

const SOURCE = fileURLToPath(new URL('../../../src/state/', import.meta.url));
const TSX = import.meta.resolve('tsx');
const WRITERS = 8;
const ROUNDS = 12;

let sandbox: Sandbox;
let file: string;
beforeEach(() => {
  sandbox = makeSandbox();
  file = sandbox.path('home/.local/state/gam/measures.json');
});
afterEach(() => sandbox.close());

function mirror(url: string): Mirror {
  return { url, source: 'config', preferred: false, site: 'x', refusal: null };
}

function hit(url: string): Note {
  return { url, seen: { kind: 'hit', share: 1, bytes: 10 } };
}

function hits(url: string): number {
  return recall(sandbox.env)(mirror(url)).own?.hits ?? 0;
}

/** A process of its own that runs a module of TypeScript. */
function start(text: string) {
  return sandbox.start(process.execPath, ['--import', TSX, '--input-type=module', '-e', text]);
}

// It takes the lock, says so, and never gives it back.
const HOLDER = `import { replaceLocked } from '${SOURCE}lock.ts';
  await replaceLocked('FILE', 1000, () => {
    process.stdout.write('held');
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
  });`;

describe('what is remembered', () => {
  test('of eight that write at once, nothing is lost but what was given up', async () => {
    const text = `import { remember } from '${SOURCE}measures.ts';
      const gone = [];
      for (let round = 0; round < ${ROUNDS}; round += 1) {
        const seen = { kind: 'hit', share: 1, bytes: 10 };
        if (!(await remember([{ url: 'https://m.example/r', seen }], process.env))) gone.push(round);
      }
      process.stdout.write(String(gone.length));`;
    const ended = await Promise.all(Array.from({ length: WRITERS }, () => start(text).ended));
    for (const { status, stderr } of ended) expect(status, stderr).toBe(0);
    const lost = ended.reduce((sum, { stdout }) => sum + Number(stdout), 0);
    expect(hits('https://m.example/r')).toBe(WRITERS * ROUNDS - lost);
    expect(lost).toBeLessThan(WRITERS * ROUNDS);
    expect(readdirSync(dirname(file))).toEqual(['measures.json']);
  });

  test('stays readable when a writer is killed in the middle; its lock is broken once it is old', async () => {
    await remember([hit('https://m.example/r')], sandbox.env);
    const holder = start(HOLDER.replace('FILE', file));
    await holder.saw('stdout', /held/);
    holder.kill('SIGKILL');
    await holder.ended;
    expect(hits('https://m.example/r')).toBe(1);
    expect(await remember([hit('https://m.example/r')], sandbox.env)).toBe(false);
    utimesSync(`${file}.lock`, 1, 1);
    expect(await remember([hit('https://m.example/r')], sandbox.env)).toBe(true);
    expect(hits('https://m.example/r')).toBe(2);
    expect(readdirSync(dirname(file))).toEqual(['measures.json']);
  });

  test('is kept by host, too, but no login of it, and nobody else can read it', async () => {
    const url = 'https://me:hunter2@m.example/r?token=hunter2';
    await remember([{ url, seen: { kind: 'greeting', ms: 7 } }], sandbox.env);
    expect(readFileSync(file, 'utf8')).not.toMatch(/hunter2|me@/);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { own, line } = recall(sandbox.env)(mirror('https://m.example/other'));
    expect(own).toBeNull();
    expect(line?.latency.value).toBe(7);
  });

  test('is bounded: the places told of longest ago go first', async () => {
    await remember([hit('https://old.example/r')], sandbox.env);
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { measures: Record<string, { at: number }> };
    for (const measure of Object.values(kept.measures)) measure.at = 1;
    writeFileSync(file, JSON.stringify(kept));
    const many = Array.from({ length: 499 }, (_, index) => hit(`https://m.example/${index}`));
    await remember(many, sandbox.env);
    expect(hits('https://old.example/r')).toBe(1);
    await remember([hit('https://m.example/499')], sandbox.env);
    expect(hits('https://old.example/r')).toBe(0);
    expect(hits('https://m.example/0')).toBe(1);
  });

  test.each([
    ['cut', (whole: string) => whole.slice(0, -20)],
    ['empty', () => ''],
    ['of another form', () => '{"measures":[1,null,{}]}'],
    ['with a key that is none', () => '{"measures":{"__proto__":{"at":1}}}'],
    ['huge', (whole: string) => whole + ' '.repeat(2 ** 20)],
  ])('counts for nothing when the file is %s, and is begun anew', async (_, damage) => {
    await remember([hit('https://m.example/r')], sandbox.env);
    writeFileSync(file, damage(readFileSync(file, 'utf8')));
    expect(hits('https://m.example/r')).toBe(0);
    expect(await remember([hit('https://m.example/r')], sandbox.env)).toBe(true);
    expect(hits('https://m.example/r')).toBe(1);
  });

  test('counts for nothing when the file is a link to elsewhere, or a FIFO that nobody writes', async () => {
    await remember([hit('https://m.example/r')], sandbox.env);
    await sandbox.run('mv', [file, sandbox.path('elsewhere')]);
    symlinkSync(sandbox.path('elsewhere'), file);
    expect(hits('https://m.example/r')).toBe(0);
    await sandbox.run('rm', [file]);
    await sandbox.run('mkfifo', [file]);
    expect(hits('https://m.example/r')).toBe(0);
  });

  test.skipIf(process.getuid?.() !== 0)('counts for nothing when the file is another user’s', async () => {
    await remember([hit('https://m.example/r')], sandbox.env);
    await sandbox.run('chown', ['12345', file]);
    expect(hits('https://m.example/r')).toBe(0);
  });

  test('is nothing without a home, or where it cannot be written; no folder is made', async () => {
    const { HOME, XDG_STATE_HOME, ...homeless } = sandbox.env;
    expect(HOME !== undefined && XDG_STATE_HOME !== undefined).toBe(true);
    expect(await remember([hit('https://m.example/r')], homeless)).toBe(false);
    expect(await remember([hit('https://m.example/r')], { ...homeless, XDG_STATE_HOME: 'relative' })).toBe(
      false,
    );
    writeFileSync(sandbox.path('file'), '');
    const inFile = { ...homeless, HOME: sandbox.path('file') };
    expect(await remember([hit('https://m.example/r')], inFile)).toBe(false);
    expect(recall(inFile)(mirror('https://m.example/r')).own).toBeNull();
    expect(existsSync(sandbox.path('relative'))).toBe(false);
  });

  test('of one network does not count in another', async () => {
    await remember([hit('https://m.example/r')], sandbox.env);
    const there = readFileSync(file, 'utf8').replace(/"[0-9a-f]{8} /g, '"00000000 ');
    writeFileSync(file, there);
    expect(hits('https://m.example/r')).toBe(0);
  });
});

describe('where a host is', () => {
  const [DE, NL, JP] = [parseLocation('DE'), parseLocation('52.3824,4.8995'), parseLocation('JP')];
  const known = (url: string, here: Location | null = null) => recall(sandbox.env, here)(mirror(url));
  const place = (hosts: Record<string, Location | null>, here: Location | null = DE) =>
    rememberPlaces({ hosts: new Map(Object.entries(hosts)), here }, sandbox.env);

  test('is known of all that it serves, over any line and in any network, with how far that is', async () => {
    await place({ 'nl.example': NL });
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"[0-9a-f]{8} /g, '"00000000 '));
    for (const url of ['https://nl.example/r', 'ssh://git@NL.example:22/x', 'git@nl.example:y']) {
      expect(known(url).location).toEqual(NL);
      expect(known(url).distance).toBeCloseTo(384, 0);
    }
    expect(known('https://jp.example/r')).toMatchObject({ location: null, distance: null });
    expect(known('/srv/r')).toMatchObject({ location: null, distance: null });
    expect(recall(sandbox.env)({ ...mirror('https://nl.example/r'), refusal: 'no' }).location).toBeNull();
  });

  test('is measured from where the user says that this machine is', async () => {
    await place({ 'nl.example': NL });
    expect(known('https://nl.example/r', JP).distance).toBeGreaterThan(9000);
  });

  test('stays while fetches are remembered, and other hosts are looked up from nowhere', async () => {
    await remember([hit('https://m.example/r')], sandbox.env);
    await place({ 'nl.example': NL });
    await remember([hit('https://nl.example/r')], sandbox.env);
    await place({ 'jp.example': JP }, null);
    expect(known('https://nl.example/r').distance).toBeCloseTo(384, 0);
    expect(known('https://jp.example/r').location).toEqual(JP);
    expect(hits('https://m.example/r')).toBe(1);
    expect(hits('https://nl.example/r')).toBe(1);
  });

  test('is forgotten of a host that is nowhere any more; for one that never was, no file is made', async () => {
    expect(await place({ 'cache.lan': null })).toBe(false);
    expect(existsSync(file)).toBe(false);
    await place({ 'nl.example': NL });
    expect(await place({ 'nl.example': null }, null)).toBe(true);
    expect(known('https://nl.example/r').location).toBeNull();
  });

  test('is bounded: the hosts looked up longest ago go first', async () => {
    await place({ 'old.example': NL });
    const kept = JSON.parse(readFileSync(file, 'utf8')) as { places: Record<string, { at: number }> };
    for (const one of Object.values(kept.places)) one.at = 1;
    writeFileSync(file, JSON.stringify(kept));
    const many = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${index}.example`, JP]));
    await place(many(499));
    expect(known('https://old.example/r').location).toEqual(NL);
    await place(many(500));
    expect(known('https://old.example/r').location).toBeNull();
    expect(known('https://499.example/r').location).toEqual(JP);
    await place({ [`${'x'.repeat(2 ** 20)}.example`]: JP });
    expect(known('https://499.example/r').location).toEqual(JP);
  });

  test.each([
    ['missing, as in files of earlier versions', '{"version":1,"measures":{}}'],
    ['of another form', '{"measures":{},"here":7,"places":[1,null,{}]}'],
    ['no place', '{"here":"99,0","places":{"nl.example":{"at":1,"location":"Mars"}}}'],
    ['without a time', '{"here":"DE","places":{"nl.example":{"location":"NL"}}}'],
    ['nothing', 'null'],
  ])('is unknown where it is %s', async (_, content) => {
    await place({ 'nl.example': NL });
    writeFileSync(file, content);
    expect(known('https://nl.example/r')).toMatchObject({ location: null, distance: null });
    await place({ 'nl.example': NL });
    expect(known('https://nl.example/r').distance).toBeCloseTo(384, 0);
  });

  test('that is damaged does not take others, or measures, along', async () => {
    await remember([hit('https://m.example/r')], sandbox.env);
    await place({ 'nl.example': NL, 'jp.example': JP });
    writeFileSync(file, readFileSync(file, 'utf8').replace('"location":"JP"', '"location":"QQ"'));
    expect(known('https://jp.example/r').location).toBeNull();
    expect(known('https://nl.example/r').location).toEqual(NL);
    expect(hits('https://m.example/r')).toBe(1);
  });
});
