import { below, oneOf, type Random } from './random.ts';

const SYLLABLES = [
  'pack',
  'ref',
  'tree',
  'blob',
  'walk',
  'line',
  'node',
  'path',
  'mark',
  'side',
  'hash',
  'tip',
];
const VERBS = ['read', 'write', 'parse', 'find', 'count', 'check', 'merge', 'split', 'open', 'close', 'sort'];
const SHAPES: readonly ((random: Random) => string)[] = [
  (random) => `  const ${name(random)} = ${call(random)};`,
  (random) => `  if (${name(random)} > ${below(random, 4096)}) return ${name(random)};`,
  (random) =>
    `  // ${oneOf(random, VERBS)}s the ${oneOf(random, SYLLABLES)} of ${name(random)} before ${name(random)}`,
  (random) => `  ${name(random)}.push(${call(random)});`,
  (random) => `  for (const ${oneOf(random, SYLLABLES)} of ${name(random)}) ${call(random)};`,
];

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function name(random: Random): string {
  return `${oneOf(random, SYLLABLES)}${capital(oneOf(random, SYLLABLES))}${below(random, 100)}`;
}

function call(random: Random): string {
  return `${oneOf(random, VERBS)}${capital(oneOf(random, SYLLABLES))}(${name(random)}, ${below(random, 1000)})`;
}

/** One line that looks, and above all compresses, like a line of a program. */
export function sourceLine(random: Random): string {
  return oneOf(random, SHAPES)(random);
}

/** Lines for a file of about `size` bytes. */
export function sourceLines(random: Random, size: number): string[] {
  const lines: string[] = [];
  for (let bytes = 0; bytes < size; ) {
    const line = sourceLine(random);
    lines.push(line);
    bytes += line.length + 1;
  }
  return lines;
}
