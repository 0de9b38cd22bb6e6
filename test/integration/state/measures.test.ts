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
import { type Note, recall, remember } from '../../../src/state/measures.ts';
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
