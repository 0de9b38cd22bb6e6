/** What git-upload-pack(1) is asked to do, as far as gam must know. */
export interface UploadPackWords {
  /** The repository, as git was given it. */
  directory: string;
  strict: boolean;
  /** Whether it greets: not for the one request of a stateless line. */
  greets: boolean;
}

const FLAGS = /^--(?:no-)?(?:strict|stateless-rpc|advertise-refs|http-backend-info-refs)$/;

/**
 * Reads the words behind `upload-pack`, as git does (git-upload-pack(1); the two last flags are one, by its old and its new name).
 * @returns null for anything else, of which git may make what it likes
 */
export function parseUploadPackWords(words: readonly string[]): UploadPackWords | null {
  const flags = new Map<string, boolean>();
  const end = words.indexOf('--');
  const before = end < 0 ? words : words.slice(0, end);
  const options = before.filter((word) => word.startsWith('-'));
  const directories = [
    ...before.filter((word) => !word.startsWith('-')),
    ...(end < 0 ? [] : words.slice(end + 1)),
  ];
  for (const option of options) {
    if (FLAGS.test(option)) flags.set(option.replace(/^--(?:no-)?/, ''), !option.startsWith('--no-'));
    else if (!/^--timeout=[0-9]+$/.test(option)) return null;
  }
  const [directory] = directories;
  if (directory === undefined || directories.length > 1) return null;
  const isOn = (name: string) => flags.get(name) ?? false;
  const advertises = isOn('advertise-refs') || isOn('http-backend-info-refs');
  return { directory, strict: isOn('strict'), greets: advertises || !isOn('stateless-rpc') };
}
