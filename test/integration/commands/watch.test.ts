import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Desk, makeDesk, makeRepository } from '../../helpers/commandline.ts';

let desk: Desk;
let notes: string;
beforeEach(async () => {
  desk = makeDesk();
  notes = await makeRepository(desk, 'notes', '../notes.git');
});
afterEach(() => desk.remove());

const watch = (...args: string[]) => desk.gam(['watch', ...args]);
const listFile = () => join(desk.home, '.config/gam/watch');
const list = async () =>
  (await desk.git(['config', '--file', listFile(), '--list'])).split('\n').map((line) => line.trim());
const write = (text: string) => {
  mkdirSync(join(desk.home, '.config/gam'), { recursive: true });
  writeFileSync(listFile(), text);
};

describe('gam watch add', () => {
  test('puts a folder on the list, by the branch and remote it has, and says what comes next', async () => {
    expect(await watch('add', 'notes')).toEqual({
      status: 0,
      stdout: `${notes} is on the list: with master at origin\n`.replace(
        'master',
        await desk.git(['symbolic-ref', '--short', 'HEAD'], notes),
      ),
      stderr: 'gam: nobody watches yet: gam watch start\n',
    });
    expect(await list()).toEqual([`folder.${notes}.watch=true`]);
  });

  test('takes down what is said, and says nothing with -q', async () => {
    const words = [
      '--delay',
      '5s',
      '--message',
      '{host}: {names}',
      '--on-conflict',
      'stop',
      '--size-limit',
      '2m',
    ];
    const more = ['--remote', 'origin', '--branch', 'work', '--ignore', '*.tmp', '--ignore', 'a b/'];
    expect(await watch('add', notes, ...words, ...more, '-q')).toEqual({ status: 0, stdout: '', stderr: '' });
    expect((await list()).sort()).toEqual(
      [
        'branch=work',
        'delay=5s',
        'ignore=*.tmp',
        'ignore=a b/',
        'message={host}: {names}',
        'onconflict=stop',
        'remote=origin',
        'sizelimit=2m',
        'watch=true',
      ].map((line) => `folder.${notes}.${line}`),
    );
  });

  test('again changes what is said anew, and keeps the rest', async () => {
    await watch('add', notes, '--delay', '5s', '--size-limit', '2m', '--ignore', '*.tmp');
    const again = await watch('add', notes, '--delay', '1s', '--ignore', '*.tmp', '--ignore', '*.bak');
    expect(again.stdout).toContain(`${notes} stays on the list`);
    expect((await list()).sort()).toEqual(
      ['delay=1s', 'ignore=*.bak', 'ignore=*.tmp', 'sizelimit=2m', 'watch=true'].map(
        (line) => `folder.${notes}.${line}`,
      ),
    );
  });

  test('takes a folder within, or a link to it, for the whole', async () => {
    mkdirSync(join(notes, 'within/it'), { recursive: true });
    symlinkSync(notes, join(desk.top, 'link'));
    for (const name of ['notes/within/it', 'link', 'link/within', 'notes/'])
      expect((await watch('add', name)).stdout).toContain(`${notes} `);
    expect(await list()).toEqual([`folder.${notes}.watch=true`]);
  });

  test.each([
    [['--delay', '1ms'], "--delay: '1ms' is not a time from 50ms to 60m"],
    [['--delay', 'soon'], "--delay: 'soon' is not a time from 50ms to 60m"],
    [['--size-limit', 'big'], "--size-limit: 'big' is not a size as 500k, 100m or 2g"],
    [['--size-limit', '0'], "--size-limit: '0' is not a size"],
    [['--message', ' '], "--message: ' ' is not a text"],
    [['--remote', ''], "--remote: '' is not the name of a remote"],
    [['--branch', ''], "--branch: '' is not the name of a branch"],
    [['--branch', 'a..b'], "'a..b' is no name for a branch"],
    [['--on-conflict', 'guess'], 'expected --on-conflict=guess to be one of'],
    [['--what'], 'nonexistent flag: --what'],
  ])('%j is a usage error, and nothing is written', async (words, error) => {
    const said = await watch('add', notes, ...words);
    expect(said).toMatchObject({ status: 2, stdout: '' });
    expect(said.stderr.toLowerCase()).toContain(error.toLowerCase());
    expect(existsSync(listFile())).toBe(false);
  });

  test('refuses what it cannot watch, says why, and writes nothing', async () => {
    await desk.git(['init', '-q', '--bare', 'bare.git']);
    await desk.git(['init', '-q', 'alone']);
    await makeRepository(desk, 'line\nend', '../notes.git');
    writeFileSync(join(desk.top, 'file'), '');
    for (const [name, status, why] of [
      ['home', 1, `${desk.home}: not a git repository`],
      ['nowhere', 1, 'nowhere is no folder'],
      ['file', 1, 'file is no folder'],
      ['bare.git', 1, 'bare.git is a bare repository, without files to watch'],
      ['notes/.git', 1, ".git is a folder of git's own"],
      ['alone', 1, 'no remote'],
      ['line\nend', 2, "line?end: git's configuration cannot hold a name with a line end"],
    ] as const) {
      const said = await watch('add', name);
      expect(said).toMatchObject({ status, stdout: '' });
      expect(said.stderr).toContain(why);
    }
    const other = await watch('add', notes, '--remote', 'backup');
    expect(other).toMatchObject({ status: 1, stdout: '' });
    expect(other.stderr).toContain("no remote 'backup'");
    expect(existsSync(listFile())).toBe(false);
  });

  test('a name that git’s configuration has to quote comes back as it is', async () => {
    const odd = await makeRepository(desk, 'a "b" \\ c]#; d.e', '../notes.git');
    await watch('add', odd);
    const { folders } = JSON.parse((await watch('status', '--json')).stdout);
    expect(folders).toEqual([{ dir: odd, state: 'unwatched' }]);
    expect((await watch('remove', odd)).status).toBe(0);
    expect(await list()).toEqual(['']);
  });
});

describe('gam watch remove', () => {
  test('takes a folder off by any of its names, and leaves the others', async () => {
    const other = await makeRepository(desk, 'other', '../notes.git');
    mkdirSync(join(notes, 'within'));
    symlinkSync(notes, join(desk.top, 'link'));
    await watch('add', other);
    for (const name of ['notes', 'notes/', 'notes/within', 'link', notes]) {
      await watch('add', notes);
      expect(await watch('remove', name)).toEqual({
        status: 0,
        stdout: `${notes} is not watched any more\n`,
        stderr: '',
      });
      expect(await list()).toEqual([`folder.${other}.watch=true`]);
    }
  });

  test('takes off what was written by hand, with a slash at its end, and a folder that has gone', async () => {
    write(`[folder "${notes}/"]\n\tdelay = 5s\n[folder "/gone/away"]\n[folder "/gone/away"]\n\twatch\n`);
    expect((await watch('remove', '/gone/away', '-q')).stdout).toBe('');
    expect((await watch('remove', 'notes')).status).toBe(0);
    expect(await list()).toEqual(['']);
  });

  test('of what is not on the list is wrong usage', async () => {
    const none = await watch('remove', 'notes');
    expect(none).toMatchObject({ status: 2, stdout: '' });
    expect(none.stderr).toBe(`gam: ${notes} is not watched\ngam: gam watch add <dir> adds one\n`);
    await watch('add', notes);
    const other = await watch('remove', 'home');
    expect(other.status).toBe(2);
    expect(other.stderr).toContain('gam watch status lists those that are');
    expect(await list()).toEqual([`folder.${notes}.watch=true`]);
  });
});

describe('gam watch status, where nobody watches', () => {
  test('tells so, and what is on the list, with status 1', async () => {
    const none = await watch('status');
    expect(none).toEqual({
      status: 1,
      stdout: 'nobody watches, and no folder is on the list: gam watch add <dir>\n',
      stderr: '',
    });
    await watch('add', notes);
    expect((await watch('status')).stdout).toBe(
      `nobody watches (1 on the list): gam watch start\n\n  ${notes}\n`,
    );
    expect(await watch('status', '-q')).toEqual({ status: 1, stdout: '', stderr: '' });
    const json = await watch('status', '--json');
    expect(json.status).toBe(1);
    expect(JSON.parse(json.stdout)).toEqual({
      running: false,
      pid: null,
      started: null,
      folders: [{ dir: notes, state: 'unwatched' }],
    });
  });

  test('tells what cannot be read in the list', async () => {
    write(`[folder "${notes}"]\n\tdelay = 1ms\n\tdealy = 5s\n[folder "notes"]\n\twatch\n`);
    const said = await watch('status');
    expect(said.stdout).toContain('(1 on the list)');
    expect(said.stderr.split('\n')).toEqual([
      `gam: folder.${notes}.delay: '1ms' is not a time from 50ms to 60m; it is passed over`,
      `gam: folder.${notes}.dealy means nothing to gam; it is passed over`,
      'gam: folder.notes is not an absolute path; it is passed over',
      '',
    ]);
  });
});

describe('a list that is no configuration any more', () => {
  test('is told with its file and line by every command, and stays as it is', async () => {
    const broken = `[folder "${notes}"]\n\tdelay = 5s\n[folder "/b\n`;
    write(broken);
    const all = [['status'], ['add', notes], ['remove', notes], ['run', '--once'], ['run'], ['start']];
    for (const args of all) {
      const said = await watch(...args);
      expect(said).toMatchObject({ status: 1, stdout: '' });
      expect(said.stderr).toBe(
        `gam: bad config line 3 in file ${listFile()}\n` +
          `gam: mend it by hand: git config --edit --file ${listFile()}\n`,
      );
    }
    expect(readFileSync(listFile(), 'utf8')).toBe(broken);
  });
});

describe('gam watch run --once, start and stop', () => {
  test('on an empty list are wrong usage, and say how one is added', async () => {
    for (const args of [['run', '--once'], ['run', '--once', '--dry-run'], ['start']])
      expect(await watch(...args)).toEqual({
        status: 2,
        stdout: '',
        stderr: 'gam: no folder is watched\ngam: gam watch add <dir> adds one\n',
      });
    expect(await watch('stop')).toEqual({ status: 0, stdout: 'nobody watches\n', stderr: '' });
  });

  test('--once tells why it failed with -q, too, for cron to pass on; and where there was nothing to do without', async () => {
    await desk.git(['init', '-q', '--bare', 'notes.git']);
    await watch('add', notes, '-q');
    // One that is as new as this could be one that is still being cloned.
    utimesSync(join(notes, '.git/config'), 0, 0);
    const nothing = { status: 0, stdout: '', stderr: `gam: ${notes}: nothing to do\n` };
    expect(await watch('run', '--once')).toEqual(nothing);
    expect(await watch('run', '--once', '--dry-run')).toEqual(nothing);
    expect(await watch('run', '--once', '-q')).toEqual({ status: 0, stdout: '', stderr: '' });
    renameSync(join(desk.top, 'notes.git'), join(desk.top, 'elsewhere'));
    const failed = await watch('run', '--once', '-q');
    expect(failed).toMatchObject({ status: 1, stdout: '' });
    expect(failed.stderr).toMatch(/^gam: .*\/notes: origin cannot be reached: .*\n$/);
    expect((await watch('run', '--once')).stderr).toBe(failed.stderr);
  });

  test('--dry-run goes with --once only', async () => {
    expect((await watch('run', '--dry-run')).status).toBe(2);
  });
});

describe('the list that is edited while somebody watches', () => {
  afterEach(() => watch('stop', '-q'));

  const logged = (words: string) =>
    vi.waitFor(
      async () => {
        const { stdout } = await watch('log');
        expect(stdout).toContain(words);
        return stdout;
      },
      { timeout: 60_000, interval: 200 },
    );

  test('is read anew by one after the other, so that each folder is watched once and can be left', async () => {
    await desk.git(['init', '-q', '--bare', 'notes.git']);
    await watch('add', notes, '-q');
    expect(await watch('start', '-q')).toEqual({ status: 0, stdout: '', stderr: '' });
    await desk.git(['config', '--file', listFile(), `folder.${notes}.delay`, '1s']);
    const { pid } = JSON.parse((await watch('status', '--json')).stdout) as { pid: number };
    for (let n = 0; n < 3; n += 1) {
      process.kill(pid, 'SIGHUP');
      await new Promise(setImmediate);
    }
    await logged('in another way');
    expect(await watch('stop')).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^process \d+ watches no more\n$/),
      stderr: '',
    });
    // Another one begins where the folder was left before; each says so.
    expect((await watch('log')).stdout.match(/: watched$/gm)).toHaveLength(2);
  });

  test('and is broken then, is told in the log; what was watched goes on being so', async () => {
    await desk.git(['init', '-q', '--bare', 'notes.git']);
    await watch('add', notes, '-q');
    await watch('start', '-q');
    const { pid } = JSON.parse((await watch('status', '--json')).stdout) as { pid: number };
    const whole = readFileSync(listFile(), 'utf8');
    write(`${whole}[folder "/b\n`);
    process.kill(pid, 'SIGHUP');
    await logged('bad config line');
    write(whole);
    const { folders } = JSON.parse((await watch('status', '--json')).stdout);
    expect(folders).toMatchObject([{ dir: notes }]);
  });
});

describe('gam watch log', () => {
  test('has what was done once, also where no daemon has ever been at work', async () => {
    await desk.git(['init', '-q', '--bare', 'notes.git']);
    writeFileSync(join(notes, 'file'), 'text');
    await watch('add', notes, '--delay', '50ms');
    const ran = await watch('run', '--once');
    expect(ran.status).toBe(0);
    const lines = (await watch('log')).stdout.trimEnd().split('\n');
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d .*\/notes: /);
    expect(lines.at(-1)).toContain('pushed to origin');
    expect((await watch('log', '-n', '1')).stdout).toBe(`${lines.at(-1)}\n`);
    const json = (await watch('log', '--json', '--lines=1')).stdout;
    expect(JSON.parse(json)).toEqual({
      time: expect.stringMatching(/^\d{4}-.*Z$/),
      folder: notes,
      words: expect.stringContaining('pushed to origin'),
    });
  });

  test('says nothing before anything was done, and takes a count of lines only', async () => {
    expect(await watch('log')).toEqual({ status: 0, stdout: '', stderr: '' });
    for (const count of ['0', '-1', 'many']) expect((await watch('log', '-n', count)).status).toBe(2);
  });
});

describe('gam watch install', () => {
  test('--cron prints a line for crontab, and writes nothing', async () => {
    const said = await watch('install', '--cron');
    expect(said).toMatchObject({ status: 0, stderr: '' });
    expect(said.stdout).toMatch(/^\*\/5 \* \* \* \* .*node.* .*run\.js.* watch run --once -q\n$/);
    expect(existsSync(join(desk.home, '.config'))).toBe(false);
  });
});

test('every command tells how it is used', async () => {
  const topic = await watch('--help');
  expect(topic.status).toBe(0);
  for (const name of ['add', 'install', 'log', 'remove', 'run', 'start', 'status', 'stop']) {
    expect(topic.stdout).toMatch(new RegExp(`^ *watch ${name} +\\S`, 'm'));
    const said = await watch(name, '--help');
    expect(said).toMatchObject({ status: 0, stderr: '' });
    expect(said.stdout).toContain(`gam watch ${name}`);
  }
});
