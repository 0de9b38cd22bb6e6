import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The built gam. */
export const GAM = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** How a command ended, and all it said. */
export interface Said {
  status: number;
  stdout: string;
  stderr: string;
}

/** A folder of its own for one test: home, configuration, a folder of programs first on PATH. */
export interface Desk {
  top: string;
  home: string;
  /** What GIT_CONFIG_GLOBAL names; it does not exist at first. */
  config: string;
  bin: string;
  env: Record<string, string>;
  /** Runs the built gam. */
  gam(args: readonly string[], cwd?: string): Promise<Said>;
  /** Runs git, which must succeed; returns its standard output without the last line end. */
  git(args: readonly string[], cwd?: string): Promise<string>;
  /** Runs any program. */
  run(command: string, args: readonly string[], cwd?: string): Promise<Said>;
  /** Puts a shell script on PATH. */
  script(name: string, lines: readonly string[]): void;
  remove(): void;
}

function start(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<Said> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const status = error === null ? 0 : error.code;
      if (typeof status === 'number') resolve({ status, stdout, stderr });
      else reject(error ?? new Error(`${command} did not end by itself`));
    });
    child.stdin?.end();
  });
}

/** Makes a desk. Nothing of the user who runs the tests shines through. */
export function makeDesk(): Desk {
  const top = realpathSync(mkdtempSync(join(tmpdir(), 'gam-commands-')));
  const home = join(top, 'home');
  const bin = join(top, 'bin');
  // Where git looks before 2.32, too, which does not obey GIT_CONFIG_GLOBAL.
  const config = join(home, '.gitconfig');
  for (const folder of [home, bin]) mkdirSync(folder);
  const env: Record<string, string> = {
    PATH: `${bin}${delimiter}${process.env['PATH']}`,
    HOME: home,
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: top,
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'A',
    GIT_AUTHOR_EMAIL: 'a@example.org',
    GIT_COMMITTER_NAME: 'A',
    GIT_COMMITTER_EMAIL: 'a@example.org',
    LC_ALL: 'C',
  };
  const run = (command: string, args: readonly string[], cwd = top) => start(command, args, cwd, env);
  return {
    top,
    home,
    config,
    bin,
    env,
    run,
    gam: (args, cwd) => run(process.execPath, [GAM, ...args], cwd),
    git: async (args, cwd) => {
      const said = await run('git', args, cwd);
      if (said.status !== 0) throw new Error(`git ${args.join(' ')}: ${said.stderr}`);
      return said.stdout.replace(/\n$/, '');
    },
    script: (name, lines) => {
      const file = join(bin, name);
      writeFileSync(file, `#!/bin/sh\n${lines.join('\n')}\n`);
      chmodSync(file, 0o755);
    },
    remove: () => rmSync(top, { recursive: true, force: true }),
  };
}

/** True when the git on PATH is 2.<minor> or newer: what older ones cannot do is not asked of them. */
export async function isGitAtLeast(desk: Desk, minor: number): Promise<boolean> {
  const [major = 0, second = 0] = (await desk.git(['version'])).replace(/^\D+/, '').split('.').map(Number);
  return major > 2 || second >= minor;
}

/** Makes a repository with an origin of this URL; returns its folder. */
export async function makeRepository(desk: Desk, name: string, origin?: string): Promise<string> {
  const folder = join(desk.top, name);
  await desk.git(['init', '-q', folder]);
  if (origin !== undefined) await desk.git(['remote', 'add', 'origin', origin], folder);
  return folder;
}

/** Commits on top of HEAD without a work tree; returns the commit. */
export async function commit(desk: Desk, folder: string, message: string, parent?: string): Promise<string> {
  const tree = await desk.git(['write-tree'], folder);
  const under = parent === undefined ? [] : ['-p', parent];
  return desk.git(['commit-tree', tree, ...under, '-m', message], folder);
}
