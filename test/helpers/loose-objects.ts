import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';

/** An entry of a tree with all its folders laid flat; paths elsewhere are latin1, one character for each byte. */
export interface FlatEntry {
  /** As `100644`, octal. */
  mode: string;
  oid: string;
}

/** A whole tree, by path. */
export type FlatTree = ReadonlyMap<string, FlatEntry>;

/** What a commit is made of; the date is in seconds since 1970. */
export interface CommitText {
  tree: string;
  parents: readonly string[];
  date: number;
  /** As `+0530`. */
  zone?: string;
  name?: string;
  email?: string;
  message: string;
}

/** An object store that is read and written without a process (gitformat-loose); thousands of objects cost no start of git. */
export interface LooseObjects {
  write(type: 'blob' | 'tree' | 'commit', body: Buffer | string): string;
  read(oid: string): Buffer;
  writeTree(tree: FlatTree): string;
  readTree(oid: string): Map<string, FlatEntry>;
  writeCommit(commit: CommitText): string;
  parentsOf(oid: string): string[];
  treeOf(oid: string): string;
}

interface Folder {
  files: Map<string, FlatEntry>;
  folders: Map<string, Folder>;
}

const emptyFolder = (): Folder => ({ files: new Map(), folders: new Map() });

function inFolders(tree: FlatTree): Folder {
  const top = emptyFolder();
  for (const [path, entry] of tree) {
    const parts = path.split('/');
    const name = parts.pop() ?? '';
    let at = top;
    for (const part of parts) {
      const next = at.folders.get(part) ?? emptyFolder();
      at.folders.set(part, next);
      at = next;
    }
    at.files.set(name, entry);
  }
  return top;
}

/** @param folder the folder named `objects` of a repository */
export function looseObjects(folder: string, format: 'sha1' | 'sha256' = 'sha1'): LooseObjects {
  const placeOf = (oid: string) => join(folder, oid.slice(0, 2), oid.slice(2));

  const write: LooseObjects['write'] = (type, body) => {
    const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body;
    const whole = Buffer.concat([Buffer.from(`${type} ${bytes.length}\0`), bytes]);
    const oid = createHash(format).update(whole).digest('hex');
    mkdirSync(dirname(placeOf(oid)), { recursive: true });
    writeFileSync(`${placeOf(oid)}.new`, deflateSync(whole, { level: 1 }));
    renameSync(`${placeOf(oid)}.new`, placeOf(oid));
    return oid;
  };

  const read = (oid: string) => {
    const whole = inflateSync(readFileSync(placeOf(oid)));
    return whole.subarray(whole.indexOf(0) + 1);
  };

  const writeFolder = ({ files, folders }: Folder): string => {
    const lines = [
      ...[...files].map(([name, { mode, oid }]) => ({ key: name, name, mode, oid })),
      ...[...folders].map(([name, inner]) => ({
        key: `${name}/`,
        name,
        mode: '40000',
        oid: writeFolder(inner),
      })),
    ].sort((a, b) => (a.key < b.key ? -1 : 1));
    const parts = lines.map(({ mode, name, oid }) => [
      Buffer.from(`${mode} ${name}\0`, 'latin1'),
      Buffer.from(oid, 'hex'),
    ]);
    return write('tree', Buffer.concat(parts.flat()));
  };

  const readInto = (oid: string, prefix: string, all: Map<string, FlatEntry>) => {
    const bytes = read(oid);
    const length = oid.length / 2;
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(0, at);
      const [, mode = '', name = ''] = /^(\d+) (.*)$/s.exec(bytes.toString('latin1', at, end)) ?? [];
      const entry = bytes.subarray(end + 1, end + 1 + length).toString('hex');
      if (mode === '40000') readInto(entry, `${prefix}${name}/`, all);
      else all.set(prefix + name, { mode, oid: entry });
      at = end + 1 + length;
    }
    return all;
  };

  const header = (oid: string) => read(oid).toString('latin1').split('\n\n')[0] ?? '';

  return {
    write,
    read,
    writeTree: (tree) => writeFolder(inFolders(tree)),
    readTree: (oid) => readInto(oid, '', new Map()),
    writeCommit: ({
      tree,
      parents,
      date,
      zone = '+0000',
      name = 'Ann',
      email = 'ann@example.com',
      message,
    }) => {
      const who = `${name} <${email}> ${date} ${zone}`;
      const lines = [`tree ${tree}`, ...parents.map((one) => `parent ${one}`)];
      return write('commit', [...lines, `author ${who}`, `committer ${who}`, '', message, ''].join('\n'));
    },
    parentsOf: (oid) => [...header(oid).matchAll(/^parent (.*)$/gm)].map(([, one = '']) => one),
    treeOf: (oid) => /^tree (.*)$/m.exec(header(oid))?.[1] ?? '',
  };
}
