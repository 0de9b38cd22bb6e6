import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';

const TOP = fileURLToPath(new URL('../..', import.meta.url));

/** Which rooms a room may use beside itself: one direction only, and the applications not one another. */
const BELOW_GIT = ['errors', 'pkt-line', 'protocol', 'config', 'mirror'];
const BELOW_APPLICATIONS = [...BELOW_GIT, 'trace', 'git', 'merge', 'state', 'transport', 'geo', 'download'];
const APPLICATIONS = ['remote-helper', 'check', 'server', 'replica', 'sync'];
const MAY_USE: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  'pkt-line': ['errors'],
  protocol: ['errors', 'pkt-line'],
  config: ['errors', 'pkt-line', 'protocol'],
  mirror: ['errors', 'pkt-line', 'protocol', 'config'],
  trace: ['errors', 'protocol'],
  git: [...BELOW_GIT, 'trace'],
  merge: [...BELOW_GIT, 'git'],
  state: [...BELOW_GIT, 'trace', 'git'],
  transport: [...BELOW_GIT, 'trace', 'git'],
  geo: [...BELOW_GIT, 'trace', 'git'],
  download: [...BELOW_GIT, 'trace', 'git', 'transport'],
  ...Object.fromEntries(APPLICATIONS.map((room) => [room, BELOW_APPLICATIONS])),
  // dispatch.ts knows all commands by the manifest, and loads the one that runs.
  main: [...BELOW_APPLICATIONS, ...APPLICATIONS, 'commands', 'oclif.manifest.json', 'package.json'],
  commands: [...BELOW_APPLICATIONS, ...APPLICATIONS, 'main'],
};

/** Packages that only some rooms may use. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  '@oclif/core': ['commands', 'main'],
  undici: ['transport', 'server'],
  'isomorphic-git': ['transport'],
  'geoip-lite': ['geo'],
  etcd3: ['replica'],
  cockatiel: ['replica'],
  'node:http': ['download', 'server'],
  'node:https': ['download', 'server'],
  'node:child_process': ['git'],
  child_process: [],
};

/** What may be read of `process` outside main/ and commands/: facts of the machine, not of how gam was called. */
const FACTS = new Set(['platform', 'pid', 'kill', 'getuid', 'getBuiltinModule']);

const HEAVY = /^(?:@oclif\/core|undici|isomorphic-git|geoip-lite|etcd3|cockatiel|node:https?)(?:\/|$)/;

interface Edge {
  from: string;
  to: string;
  external: boolean;
  /** Whether it is imported only when that is come to. */
  late?: boolean;
}

const FILES = ['src', 'commands'].flatMap((folder) =>
  readdirSync(join(TOP, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(TOP, join(entry.parentPath, entry.name)).split(sep).join('/')),
);

function roomOf(file: string): string {
  const [top = '', room = ''] = file.split('/');
  return top === 'src' ? room.replace(/\.ts$/, '') : top;
}

/** What a bundler finds: every import that is there at run time. */
async function builtEdges(entryPoints: readonly string[]): Promise<Edge[]> {
  const { metafile } = await build({
    entryPoints: [...entryPoints],
    absWorkingDir: TOP,
    outdir: 'dist',
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    logLevel: 'silent',
  });
  return Object.entries(metafile.inputs).flatMap(([from, { imports }]) =>
    imports.map(({ path, external, kind }) => ({
      from,
      to: path,
      external: external ?? false,
      late: kind === 'dynamic-import',
    })),
  );
}

/** What stands in the text: type-only imports too, which leave nothing behind at run time. */
function writtenEdges(): Edge[] {
  return FILES.flatMap((from) =>
    [...readFileSync(join(TOP, from), 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*'([^']+)'/g)].map(
      ([, to = '']) =>
        to.startsWith('.')
          ? { from, to: posix.join(posix.dirname(from), to), external: false }
          : { from, to, external: true },
    ),
  );
}

function packageOf(specifier: string): string {
  return specifier.startsWith('@') ? specifier.split('/', 2).join('/') : (specifier.split('/', 1)[0] ?? '');
}

/** Why an edge goes through a wall; null when it does not. */
function breach({ from, to, external }: Edge): string | null {
  const room = roomOf(from);
  if (external) {
    const only = ONLY_IN[packageOf(to)];
    return only === undefined || only.includes(room) ? null : `${from}: ${to} is for ${only.join(', ')} only`;
  }
  const other = roomOf(to);
  return other === room || MAY_USE[room]?.includes(other) ? null : `${from}: ${room} may not use ${other}`;
}

describe('the walls between the rooms', () => {
  test('are kept by every import that runs', async () => {
    const edges = await builtEdges(FILES);
    expect(edges.filter((edge) => !edge.external).length).toBeGreaterThan(30);
    expect(edges.filter((edge) => edge.external).length).toBeGreaterThan(10);
    expect(edges.map(breach).filter(Boolean)).toEqual([]);
  });

  test('are kept by every import that is written, of types too', () => {
    const edges = writtenEdges();
    expect(edges.filter((edge) => !edge.external).length).toBeGreaterThan(30);
    expect(edges.map(breach).filter(Boolean)).toEqual([]);
  });

  test('are known for every room', () => {
    expect(FILES.length).toBeGreaterThan(20);
    expect(FILES.map(roomOf).filter((room) => MAY_USE[room] === undefined)).toEqual([]);
  });

  test('are written down for the linter as they are here', () => {
    const lint = JSON.parse(readFileSync(join(TOP, '.oxlintrc.json'), 'utf8')) as { overrides: unknown };
    expect(lint.overrides).toEqual(lintOverrides());
  });
});

/** The same walls for the linter, which tells of them in the editor. */
function lintOverrides(): unknown[] {
  const rooms = Object.keys(MAY_USE);
  return rooms.map((room) => {
    const closed = rooms.filter((other) => other !== room && !MAY_USE[room]?.includes(other));
    const packages = Object.keys(ONLY_IN).filter((name) => !ONLY_IN[name]?.includes(room));
    const patterns = [
      {
        group: closed.map((other) => (other === 'errors' ? '**/errors.ts' : `**/${other}/**`)),
        message: `not from ${room}`,
      },
      { group: packages.flatMap((name) => [name, `${name}/**`]), message: `not in ${room}` },
    ].filter(({ group }) => group.length > 0);
    return {
      files:
        room === 'errors' ? ['src/errors.ts'] : room === 'commands' ? ['commands/**'] : [`src/${room}/**`],
      rules: { 'no-restricted-imports': ['error', { patterns }] },
    };
  });
}

describe('the process', () => {
  test('is read by main and the commands only, but for facts of the machine', () => {
    const readers = FILES.flatMap((file) => {
      const text = readFileSync(join(TOP, file), 'utf8');
      return [...text.matchAll(/(?<![\w.'/])process\.(\w+)|from '(?:node:)?process'/g)].map(([, name]) => ({
        file,
        name,
      }));
    });
    expect(readers.length).toBeGreaterThan(3);
    const strangers = readers.filter(
      ({ file, name }) => !['main', 'commands'].includes(roomOf(file)) && !FACTS.has(name ?? ''),
    );
    expect(strangers).toEqual([]);
  });
});

describe('gam', () => {
  // undici had come to be a third of what each command reads, when gam watch began to look at remotes by it.
  test('reads what few commands need only where they need it', async () => {
    const edges = (await builtEdges(FILES)).filter(({ late }) => late !== true);
    const reached = new Set(FILES.filter((file) => roomOf(file) === 'commands'));
    for (const file of reached)
      for (const { from, to, external } of edges) if (from === file && !external) reached.add(to);
    expect(reached.size).toBeGreaterThan(100);
    const few = /^(?:undici|isomorphic-git|geoip-lite|etcd3|cockatiel|prom-client|bcryptjs)(?:\/|$)/;
    expect(edges.filter(({ from, to }) => reached.has(from) && few.test(to))).toEqual([]);
  });
});

describe('the helper', () => {
  test('starts without anything heavy: it runs on every fetch', async () => {
    const edges = await builtEdges(['src/main/git-remote-mirror.ts']);
    expect(edges.filter((edge) => !edge.external).length).toBeGreaterThan(10);
    expect(edges.filter((edge) => edge.external && HEAVY.test(edge.to))).toEqual([]);
  });

  test('knows distances, but not geoip, and nor does gam mirrors list', async () => {
    const edges = await builtEdges(['src/main/git-remote-mirror.ts', 'commands/mirrors/list.ts']);
    expect(edges.some(({ to }) => to === 'src/mirror/distance.ts')).toBe(true);
    expect(edges.filter(({ to }) => roomOf(to) === 'geo')).toEqual([]);
  });
});
