import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type HistoryShape, historyStream } from './history.ts';
import type { Sandbox } from './sandbox.ts';

/** How a made-up repository looks; everything has a small default. */
export interface RepositoryOptions extends Partial<HistoryShape> {
  objectFormat?: 'sha1' | 'sha256';
}

const SMALL: HistoryShape = {
  commits: 300,
  files: 20,
  tags: 6,
  branches: 3,
  blobSize: 1500,
  seed: 1,
  branch: 'main',
  step: 600,
  goesOn: false,
};

async function fastImport(sandbox: Sandbox, repository: string, stream: Iterable<string>): Promise<void> {
  const args = ['-C', sandbox.path(repository), 'fast-import', '--quiet', '--date-format=raw'];
  const child = spawn('git', args, { env: { ...sandbox.env }, stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const [status] = await Promise.all([closed, pipeline(batched(stream), child.stdin)]).then(([end]) => end);
  if (status !== 0) throw new Error(`git fast-import ended with ${status}: ${complaint}`);
}

// A write per commit costs more than making the commit.
function batched(stream: Iterable<string>): Readable {
  function* batches() {
    let batch = '';
    for (const part of stream) {
      batch += part;
      if (batch.length < 1 << 16) continue;
      yield batch;
      batch = '';
    }
    yield batch;
  }
  return Readable.from(batches());
}

/** Makes an empty bare repository whose HEAD is main; the path is relative to the sandbox. */
export async function initBare(
  sandbox: Sandbox,
  path: string,
  objectFormat: 'sha1' | 'sha256' = 'sha1',
): Promise<string> {
  // git before 2.29 has no --object-format, and init.defaultBranch came with 2.28.
  const format = objectFormat === 'sha1' ? [] : [`--object-format=${objectFormat}`];
  await sandbox.git(['init', '--quiet', '--bare', ...format, path]);
  await sandbox.git(['symbolic-ref', 'HEAD', 'refs/heads/main'], { cwd: path });
  return sandbox.path(path);
}

/**
 * Makes a bare repository with a history of commits, merges, branches and tags, by git-fast-import(1):
 * 20,000 commits take a few seconds. The same options give the same object ids.
 * @returns its absolute path
 */
export async function generateHistory(
  sandbox: Sandbox,
  path: string,
  options: RepositoryOptions = {},
): Promise<string> {
  const { objectFormat, ...shape } = options;
  await initBare(sandbox, path, objectFormat);
  await addHistory(sandbox, path, shape);
  return sandbox.path(path);
}

/** Adds a history with a root of its own to a bare repository that may hold others. */
export async function addHistory(
  sandbox: Sandbox,
  path: string,
  shape: Partial<HistoryShape>,
): Promise<void> {
  await fastImport(sandbox, path, historyStream({ ...SMALL, ...shape }));
}

/** Adds commits to a branch of a bare repository (main when none is named); `seed` tells additions apart. */
export async function addCommits(
  sandbox: Sandbox,
  path: string,
  commits: number,
  shape: Partial<HistoryShape> = {},
): Promise<void> {
  const further = { ...SMALL, seed: 2, tags: 0, branches: 0, ...shape, commits, goesOn: true };
  await fastImport(sandbox, path, historyStream(further));
}

/** The folder of git's own files where that simply is `.git`, or all of it; null where git has to be asked. */
export function plainGitDir(sandbox: Sandbox, repository: string): string | null {
  const folders = [sandbox.path(repository, '.git'), sandbox.path(repository)];
  const isPlain = (folder: string) =>
    ['HEAD', 'objects', 'refs'].every((name) => existsSync(join(folder, name)));
  return folders.find(isPlain) ?? null;
}

/** Where a remote is, for plain git and for gam; what is not named stays. */
export interface Whereabouts {
  url?: string;
  mirrorUrl?: string | readonly string[];
}

const ORIGIN = '[remote "origin"]';

function configValue(value: string): string {
  return /["\\#;]|^\s|\s$/.test(value) ? `"${value.replaceAll(/["\\]/g, '\\$&')}"` : value;
}

// Without a process, in a file that git has written. `write` gets the lines of the section, and returns what comes in
// the place of the whole.
function rewriteOrigin(sandbox: Sandbox, repository: string, write: (lines: string[]) => string[]): void {
  const file = join(plainGitDir(sandbox, repository) ?? sandbox.path(repository), 'config');
  const lines = readFileSync(file, 'utf8').split('\n');
  const at = lines.indexOf(ORIGIN);
  if (at < 0) throw new Error(`${file} has no ${ORIGIN}`);
  const next = lines.findIndex((line, index) => index > at && !line.startsWith('\t'));
  const section = lines.slice(at + 1, next);
  writeFileSync(file, [...lines.slice(0, at), ...write(section), ...lines.slice(next)].join('\n'));
}

/** Sets where `origin` is, as `git config` would. */
export function setOrigin(sandbox: Sandbox, repository: string, whereabouts: Whereabouts): void {
  const named = Object.entries(whereabouts).map(([name, value]) => [name, [value].flat()] as const);
  const isReplaced = (line: string) =>
    named.some(([name]) => line.toLowerCase().startsWith(`\t${name.toLowerCase()} =`));
  const set = named.flatMap(([name, values]) => values.map((value) => `\t${name} = ${configValue(value)}`));
  rewriteOrigin(sandbox, repository, (lines) => [
    ORIGIN,
    ...set,
    ...lines.filter((line) => !isReplaced(line)),
  ]);
}

/** A full bare copy, every ref included, that shares nothing with its source. */
export async function cloneBare(sandbox: Sandbox, from: string, to: string): Promise<string> {
  await sandbox.git(['clone', '--quiet', '--mirror', '--no-hardlinks', sandbox.path(from), to]);
  rewriteOrigin(sandbox, to, () => []);
  return sandbox.path(to);
}

/**
 * Makes a bare copy as it was earlier: the branch of HEAD at `tip`, and the branches and tags that lie in its
 * history. It holds no other objects.
 */
export async function copyEarlier(sandbox: Sandbox, from: string, to: string, tip: string): Promise<string> {
  const output = async (...args: string[]) => (await sandbox.git(args, { cwd: from })).stdout.trim();
  const head = await output('symbolic-ref', 'HEAD');
  const merged = await output(
    'for-each-ref',
    '--format=%(refname)',
    '--merged',
    tip,
    'refs/heads',
    'refs/tags',
  );
  const refs = merged.split('\n').filter((ref) => ref !== '' && ref !== head);
  await initBare(sandbox, to, (await output('rev-parse', head)).length === 64 ? 'sha256' : 'sha1');
  await sandbox.git(['symbolic-ref', 'HEAD', head], { cwd: to });
  const specs = [`${await output('rev-parse', tip)}:${head}`, ...refs.map((ref) => `${ref}:${ref}`)];
  await output('push', '--quiet', sandbox.path(to), ...specs);
  return sandbox.path(to);
}

/**
 * Adds `count` branches and tags to a bare repository, spread over its commits. They go straight into
 * packed-refs (gitrepository-layout(5)): a ref transaction would first write as many files.
 */
export async function addManyRefs(sandbox: Sandbox, path: string, count: number): Promise<void> {
  await sandbox.git(['pack-refs', '--all'], { cwd: path });
  const commits = (await sandbox.git(['rev-list', 'main'], { cwd: path })).stdout.trim().split('\n');
  const file = join(sandbox.path(path), 'packed-refs');
  const there = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => /^[0-9a-f]/.test(line));
  const added = Array.from({ length: count }, (_, index) => {
    const kind = index % 2 === 0 ? 'heads/wip' : 'tags/nightly';
    return `${commits[index % commits.length]} refs/${kind}/${Math.floor(index / 100)}/${index}`;
  });
  const name = (line: string) => line.slice(line.indexOf(' ') + 1);
  const lines = [...there, ...added].sort((a, b) => (name(a) < name(b) ? -1 : 1));
  writeFileSync(file, `# pack-refs with: sorted \n${lines.join('\n')}\n`);
}
