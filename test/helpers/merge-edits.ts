import { below, oneOf, type Random } from './random.ts';

type Draft = Record<string, string>;

// Names as they come: bytes that are no UTF-8, line ends, options, the longest there are, and such as differ in case only.
const NAMES = [
  'notes.txt',
  'Notes.txt',
  'todo',
  'list.tar.gz',
  'a\nb.txt',
  '-rf',
  '--help.md',
  '\xff\xfe\x80.bin',
  'Z\xc3\xbcrich.txt',
  'n'.repeat(255),
  `${'\xc3\xa4'.repeat(125)}.txt`,
  'sp ace~1.txt',
  'd',
  'd/one.txt',
  'd/two.txt',
  'd/e/three.txt',
  'e/one.txt',
  '.hidden',
];
const ATTRIBUTES = [
  '* merge=union\n',
  '*.txt binary\n',
  '* -text merge=ours\n',
  '* text eol=crlf working-tree-encoding=UTF-16\n',
];

/** What everybody starts with: files long enough that git knows them again under other names. */
export function firstFiles(): Draft {
  const lines = (name: string) => Array.from({ length: 12 }, (_, at) => `${name} ${at}\n`).join('');
  const text = Object.fromEntries(
    ['notes.txt', 'todo', 'd/one.txt', 'd/two.txt', 'list.tar.gz'].map((name) => [name, lines(name)]),
  );
  return {
    ...text,
    'crlf.txt': lines('crlf').replaceAll('\n', '\r\n'),
    'x.bin': `\0\x01${lines('bin')}`,
    link: '@todo',
    sub: '#1',
  };
}

const isText = (content: string) => !/^[@#]/.test(content);

/** Puts a file where there may be a folder, or a folder where there may be a file. */
function put(files: Draft, path: string, content: string): void {
  for (const there of Object.keys(files))
    if (there.startsWith(`${path}/`) || path.startsWith(`${there}/`)) delete files[there];
  files[path] = content;
}

type Edit = (files: Draft, path: string, word: string, random: Random) => void;

function splice(content: string, random: Random, remove: number, line: string): string {
  const lines = content.split('\n');
  lines.splice(below(random, Math.max(1, lines.length - 1)), remove, line);
  return lines.join('\n');
}

const insert: Edit = (files, path, word, random) => {
  const content = files[path] ?? '';
  if (isText(content)) files[path] = splice(content, random, 0, word);
  else insertAny(files, path, word, random);
};
const insertAny: Edit = (files, path, word, random) => {
  files[path] = files[path]?.startsWith('#') ? `#${1 + below(random, 9)}` : `@${word}`;
};
const replace: Edit = (files, path, word, random) => {
  const content = files[path] ?? '';
  if (isText(content)) files[path] = splice(content, random, 2, word);
};
const move: Edit = (files, path, word, random) => {
  const content = files[path] ?? '';
  delete files[path];
  put(
    files,
    oneOf(random, NAMES),
    isText(content) && random() < 0.5 ? splice(content, random, 1, word) : content,
  );
};
const recase: Edit = (files, path) => {
  const content = files[path] ?? '';
  delete files[path];
  put(files, path === path.toUpperCase() ? path.toLowerCase() : path.toUpperCase(), content);
};

const EDITS: readonly Edit[] = [
  insert,
  insert,
  insert,
  replace,
  replace,
  move,
  move,
  recase,
  (files, path) => delete files[path],
  (files, _, word, random) => put(files, oneOf(random, NAMES), `${word}\n`),
  (files, path) => {
    const content = files[path] ?? '';
    if (isText(content)) files[path] = content.startsWith('!') ? content.slice(1) : `!${content}`;
  },
  (files, path, word) => put(files, path, `@${word}`),
  (files, path, word) => put(files, path, `\0${word}\0`),
  (files, path, _, random) => put(files, path, `#${1 + below(random, 9)}`),
  (files, path, word) => put(files, `${path}/inner.txt`, `${word}\n`),
  (files, path, word) => put(files, path.split('/')[0] ?? path, `${word}\n`),
  (files, path) => {
    const content = files[path] ?? '';
    if (isText(content))
      files[path] = content.includes('\r\n')
        ? content.replaceAll('\r\n', '\n')
        : content.replaceAll('\n', '\r\n');
  },
  (files, _, __, random) => put(files, '.gitattributes', oneOf(random, ATTRIBUTES)),
  (files) => {
    for (const path of Object.keys(files).filter((one) => one.startsWith('d/'))) {
      put(files, path.replace('d/', 'e/'), files[path] ?? '');
      delete files[path];
    }
  },
];

/**
 * One to three changes. What is new in text, links and binary files are words that nobody else ever writes.
 * @param newWord makes one
 */
export function edited(before: Readonly<Draft>, newWord: () => string, random: Random): Draft {
  const files = { ...before };
  for (let left = 1 + below(random, 3); left > 0; left -= 1) {
    const paths = Object.keys(files)
      .filter((path) => path !== '.gitattributes')
      .sort();
    if (paths.length === 0) put(files, 'notes.txt', `${newWord()}\n`);
    else oneOf(random, EDITS)(files, oneOf(random, paths), newWord(), random);
  }
  return files;
}
