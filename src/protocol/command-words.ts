/** The options of a git command that take the next word for their value, when it is not in the same one. */
export interface ValueOptions {
  long: readonly string[];
  /** Letters. */
  short: string;
}

/** Those of git-clone(1). */
export const CLONE_OPTIONS: ValueOptions = {
  long: [
    'branch',
    'bundle-uri',
    'config',
    'depth',
    'filter',
    'jobs',
    'origin',
    'ref-format',
    'reference',
    'reference-if-able',
    'revision',
    'separate-git-dir',
    'server-option',
    'shallow-exclude',
    'shallow-since',
    'template',
    'upload-pack',
  ],
  short: 'bcjou',
};

/** Those of git-fetch(1). */
export const FETCH_OPTIONS: ValueOptions = {
  long: [
    'deepen',
    'depth',
    'filter',
    'jobs',
    'negotiation-tip',
    'refmap',
    'server-option',
    'shallow-exclude',
    'shallow-since',
    'submodule-prefix',
    'upload-pack',
  ],
  short: 'jo',
};

/** Those of git(1) itself, before the command. */
const GIT_OPTIONS: ValueOptions = {
  long: ['attr-source', 'config-env', 'git-dir', 'namespace', 'super-prefix', 'work-tree'],
  short: 'Cc',
};

// git takes any beginning of a long option that tells it from the others; where it tells it not, git refuses.
function takesNext(word: string, { long, short }: ValueOptions): boolean {
  if (word.startsWith('--'))
    return !word.includes('=') && long.some((name) => name.startsWith(word.slice(2)));
  // Behind the first letter that takes a value, the rest of the word is it.
  const first = word.slice(1).search(new RegExp(`[${short}]`));
  return first >= 0 && first === word.length - 2;
}

/** Where the words stand that are neither options nor their values, in a command line as git reads it (parse-options.c). */
export function operands(words: readonly string[], options: ValueOptions): number[] {
  const found: number[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? '';
    if (word === '--') {
      for (let rest = at + 1; rest < words.length; rest += 1) found.push(rest);
      break;
    }
    if (!word.startsWith('-') || word === '-') found.push(at);
    else if (takesNext(word, options)) at += 1;
  }
  return found;
}

/**
 * Which of git's commands runs: `fetch` for `git -C x fetch --all`, and for `git-fetch --all`. An alias shows as the
 * command that it stands for, since git starts that as a process of its own (git.c, run_argv()).
 * @param words the whole command line, the program first
 * @returns null where it is none of git's
 */
export function commandName([program = '', ...words]: readonly string[]): string | null {
  const name = program.slice(program.lastIndexOf('/') + 1).replace(/\.exe$/, '');
  if (name.startsWith('git-')) return name.slice('git-'.length);
  const [at] = operands(words, GIT_OPTIONS);
  return name === 'git' && at !== undefined ? (words[at] ?? null) : null;
}
