import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hookScripts } from '../../../src/replica/hook-scripts.ts';

let top: string;
beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'gam-hook-scripts-')));
  mkdirSync(join(top, 'hooks/before-gam'), { recursive: true });
  execFileSync('git', ['init', '--quiet', '--bare', join(top, 'repo.git')]);
  execFileSync('git', ['config', 'replica.self', 'eu'], { cwd: join(top, 'repo.git') });
  mkdirSync(join(top, 'repo.git/gam/replica'), { recursive: true });
});
afterAll(() => rmSync(top, { recursive: true }));

function writeExecutable(path: string, content: string): string {
  writeFileSync(path, content);
  chmodSync(path, 0o755);
  return path;
}

/** Runs one of the hooks, as it stands in the folder of hooks, with this on its standard input. */
function run(name: string, program: { node: string; program: string }, input = '', args: string[] = []) {
  const text = hookScripts({ ...program, version: '1.2.3' }).get(name) ?? '';
  const hook = writeExecutable(join(top, 'hooks', name), text);
  const env = { PATH: process.env['PATH'], GIT_DIR: '.', GAM_KEPT_PROC_RECEIVE: 'inherited' };
  const ended = spawnSync(hook, args, {
    cwd: join(top, 'repo.git'),
    env,
    input,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  return { status: ended.status, stdout: ended.stdout, stderr: ended.stderr };
}

const NONE = { node: '/nowhere/node', program: '/nowhere/program' };
const keep = (name: string, lines: string) =>
  writeExecutable(join(top, 'hooks/before-gam', name), `#!/bin/sh\n${lines}\n`);

describe('the hooks', () => {
  test('say on their first lines who put them there, and how they go', () => {
    for (const [name, text] of hookScripts({ ...NONE, version: '1.2.3\nrm -r x' })) {
      const [first, second, third] = text.split('\n');
      expect(first).toBe('#!/bin/sh');
      expect(second).toBe(
        `# Installed by gam 1.2.3?rm -r x. What stood here before is before-gam/${name}, and still runs.`,
      );
      expect(third).toContain('gam replica leave');
    }
  });

  test('are four', () => {
    const names = [...hookScripts({ ...NONE, version: '1' }).keys()];
    expect(names).toEqual(['pre-receive', 'post-receive', 'proc-receive', 'reference-transaction']);
  });
});

describe('proc-receive', () => {
  const letters = fc.constantFrom(...' \'"$`\\!*?[]{}()<>|&;#~=%^\n\téa'.split(''));
  const name = fc
    .string({ unit: letters, minLength: 1, maxLength: 20 })
    .filter((word) => !/^\.*$/.test(word));

  test('starts the program, whatever its path, with the kept hook named by an absolute path', () => {
    rmSync(join(top, 'hooks/before-gam/proc-receive'), { force: true });
    fc.assert(
      fc.property(name, name, fc.boolean(), (folder, file, isKept) => {
        const at = join(top, folder);
        mkdirSync(at, { recursive: true });
        const node = writeExecutable(
          join(at, `${file}-node`),
          '#!/bin/sh\nprintf "%s|" "$1" "$2" "${GAM_KEPT_PROC_RECEIVE-unset}"\ncat\n',
        );
        const program = join(at, `${file}-program`);
        writeFileSync(program, '');
        if (isKept) keep('proc-receive', 'exit 1');
        const kept = isKept ? join(top, 'hooks/before-gam/proc-receive') : 'unset';
        expect(run('proc-receive', { node, program }, 'x y', ['arg'])).toEqual({
          status: 0,
          stdout: `${program}|arg|${kept}|x y`,
          stderr: '',
        });
        rmSync(join(top, 'hooks/before-gam/proc-receive'), { force: true });
      }),
    );
  });

  test('refuses where node or the program has been moved', () => {
    const node = writeExecutable(join(top, 'node'), '#!/bin/sh\n');
    for (const paths of [NONE, { ...NONE, node }, { ...NONE, node: top, program: node }]) {
      const { status, stderr } = run('proc-receive', paths);
      expect(status).toBe(1);
      expect(stderr).toMatch(/^gam: cannot be started.*: run gam replica reconcile on the server\n$/);
    }
  });
});

describe.each(['pre-receive', 'post-receive'])('%s', (hook) => {
  const line = (ref: string) => `${'0'.repeat(40)} ${'1'.repeat(40)} ${ref}\n`;
  const users = fc.constantFrom(
    'refs/heads/a',
    'refs/tags/refs/gam/b',
    'refs/gamma/c',
    'refs/heads/-n',
    "refs/heads/$x'`y`",
  );
  const refs = fc.array(fc.oneof(users, fc.constantFrom('refs/gam/x', 'refs/gam/request/y/ask')), {
    maxLength: 12,
  });

  test('shows the kept hook the refs of users alone, in their order, and ends as it does', () => {
    keep(hook, 'echo "args $*"; cat; echo noise >&2; exit "$(wc -l <"$0.status")"');
    fc.assert(
      fc.property(refs, fc.nat({ max: 3 }), (pushed, status) => {
        writeFileSync(join(top, 'hooks/before-gam', `${hook}.status`), '\n'.repeat(status));
        const shown = pushed.filter((ref) => !ref.startsWith('refs/gam/')).map(line);
        const ended = run(hook, NONE, pushed.map(line).join(''), ['one', 'two']);
        expect(ended).toEqual(
          shown.length === 0
            ? { status: 0, stdout: '', stderr: '' }
            : { status, stdout: `args one two\n${shown.join('')}`, stderr: 'noise\n' },
        );
      }),
      { numRuns: 40 },
    );
  });

  test('takes 10,000 lines, also where the kept hook does not read them', () => {
    const many = Array.from({ length: 10_000 }, (_, index) =>
      line(`refs/heads/${'long'.repeat(8)}/${index}`),
    ).join('');
    keep(hook, 'cat');
    const { stdout, ...ended } = run(hook, NONE, many);
    // A difference would fill the screen.
    expect([stdout === many, ended]).toEqual([true, { status: 0, stderr: '' }]);
    keep(hook, 'exit 7');
    expect(run(hook, NONE, many)).toEqual({ status: 7, stdout: '', stderr: '' });
  });

  test('does nothing where there is no kept hook', () => {
    rmSync(join(top, 'hooks/before-gam', hook), { force: true });
    expect(run(hook, NONE, line('refs/heads/a'))).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});
