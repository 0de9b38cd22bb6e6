import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Desk, GAM, makeDesk } from '../../helpers/commandline.ts';

const FOLDER = fileURLToPath(new URL('../../../commands', import.meta.url));

const COMMANDS = readdirSync(FOLDER, { withFileTypes: true, recursive: true })
  .filter((entry) => entry.isFile())
  .map((entry) => relative(FOLDER, join(entry.parentPath, entry.name)).replace(/\.ts$/, '').split('/'));

let desk: Desk;
beforeAll(() => {
  desk = makeDesk();
});
afterAll(() => desk.remove());

describe('every command', () => {
  test('there are some', () => expect(COMMANDS.length).toBeGreaterThan(8));

  test('is written down by the build, so that none but the one that runs is loaded', () => {
    const manifest = JSON.parse(readFileSync(join(FOLDER, '../oclif.manifest.json'), 'utf8'));
    expect(Object.keys(manifest.commands).sort()).toEqual(COMMANDS.map((words) => words.join(':')).sort());
  });

  test.each(COMMANDS.map((words) => [words.join(' '), words] as const))(
    'gam %s --help tells what it does, with examples, in 80 columns',
    async (name, words) => {
      const { status, stdout, stderr } = await desk.gam([...words, '--help']);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toContain(`$ gam ${name}`);
      for (const part of ['USAGE', 'DESCRIPTION', 'EXAMPLES']) expect(stdout).toContain(part);
      expect(stdout).not.toContain('\u001b');
      const prose = stdout.split('\n').filter((line) => !line.includes('$ gam'));
      expect(prose.filter((line) => line.length > 80)).toEqual([]);
    },
  );
});

test.each([
  ['clone', 'clone <url> [<dir>] [options of git clone]'],
  ['fetch', 'fetch [<remote>] [options of git fetch]'],
])("gam %s --help leaves git's own words to git", async (name, usage) => {
  const { stdout } = await desk.gam([name, '--help']);
  expect(stdout).toContain(`USAGE\n  $ gam ${usage}\n\nFLAGS\n`);
  expect(stdout).not.toContain('...');
});

// oclif takes an argument that is not given from there: a loop over lines, whose input every command in it gets, lost some.
test('nothing is taken from standard input, which may be meant for others', async () => {
  const loop = 'printf "%s\\n" https://h.example/r https://i.example/r | { "$@"; cat; }';
  const { stdout, stderr } = await desk.run('sh', [
    '-c',
    loop,
    'sh',
    process.execPath,
    GAM,
    'mirrors',
    'list',
  ]);
  expect(stdout).toMatch(/(?:^|\n)https:\/\/h\.example\/r\nhttps:\/\/i\.example\/r\n$/);
  expect(stdout.replace(/https[^]*/, '') + stderr).toBe(
    Object.values(await desk.gam(['mirrors', 'list']))
      .slice(1)
      .join(''),
  );
});

describe('wrong usage', () => {
  test.each([
    ['an unknown command', ['nope']],
    ['an unknown command of a topic', ['mirrors', 'nope']],
    ['an unknown flag', ['mirrors', 'list', '--nope']],
    ['a missing argument', ['mirrors', 'add']],
    ['an argument too many', ['doctor', 'now']],
    [
      'flags that exclude each other',
      ['mirrors', 'add', 'https://m.example/', '--for', 'https://h/', '--remote', 'x'],
    ],
  ])('%s ends with 2 and lines that start with gam:', async (_, args) => {
    const { status, stdout, stderr } = await desk.gam(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^(?:gam: \S.*\n){2}$/);
  });
});

describe('gam', () => {
  test('tells its version without loading the command framework', async () => {
    const { stdout, status } = await desk.gam(['--version']);
    const { version } = JSON.parse(readFileSync(join(FOLDER, '../package.json'), 'utf8')) as {
      version: string;
    };
    expect(stdout).toBe(`gam ${version}\n`);
    expect(status).toBe(0);
  });

  test('gam help <command> is gam <command> --help', async () => {
    expect(await desk.gam(['help', 'sweep'])).toEqual(await desk.gam(['sweep', '--help']));
  });

  test('tells what to do next where the server, a bundle of its own, cannot start', async () => {
    const nowhere = join(desk.home, 'nowhere');
    const { status, stderr } = await desk.gam(['serve', '--listen', '127.0.0.1:0', nowhere]);
    const lines = [
      `gam: cannot serve ${nowhere}: no such file or directory`,
      'gam: name a folder with repositories in it: gam serve <root>',
      '',
    ];
    expect([status, stderr.split('\n')]).toEqual([1, lines]);
  });

  test("tells a broken configuration file in git's words", async () => {
    writeFileSync(desk.config, '[user');
    const { status, stderr } = await desk.gam(['mirrors', 'list']);
    rmSync(desk.config);
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^gam: git config failed: fatal: /)]);
  });
});
