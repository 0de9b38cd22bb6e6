/** One variable of `git config --list`; section and name are lower case, the subsection is as written. */
export interface ConfigEntry {
  section: string;
  subsection: string | null;
  name: string;
  /** null for a variable written without `=`, which git reads as true. */
  value: string | null;
}

/**
 * Reads what `git config --list -z` prints: `key LF value NUL`, or `key NUL` for a variable without a
 * value (git-config(1), --null). The order is git's own, lowest authority first.
 */
export function parseConfigList(output: string): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (const record of output.split('\0')) {
    if (record === '') continue;
    const newline = record.indexOf('\n');
    const key = newline < 0 ? record : record.slice(0, newline);
    const value = newline < 0 ? null : record.slice(newline + 1);
    const first = key.indexOf('.');
    const last = key.lastIndexOf('.');
    if (first < 0) continue;
    entries.push({
      section: key.slice(0, first).toLowerCase(),
      subsection: first === last ? null : key.slice(first + 1, last),
      name: key.slice(last + 1).toLowerCase(),
      value,
    });
  }
  return entries;
}

/**
 * Reads what `git config --list -z --show-origin` prints: before each variable where it comes from, `file:<path> NUL` for a
 * file (git-config(1), --show-origin).
 */
export function parseConfigOrigins(output: string): { file: string | null; entry: ConfigEntry }[] {
  const words = output.split('\0');
  return words.flatMap((word, index) => {
    const [entry] = index % 2 === 1 ? parseConfigList(word) : [];
    const origin = words[index - 1] ?? '';
    if (entry === undefined) return [];
    return [{ file: origin.startsWith('file:') ? origin.slice('file:'.length) : null, entry }];
  });
}

/** All values of one variable, in git's order; a variable without a value counts as `true`. */
export function allValues(
  entries: readonly ConfigEntry[],
  section: string,
  subsection: string | null,
  name: string,
): string[] {
  return entries
    .filter((e) => e.section === section && e.subsection === subsection && e.name === name)
    .map((e) => e.value ?? 'true');
}

/** The value that counts: git lets the last one win. */
export function lastValue(
  entries: readonly ConfigEntry[],
  section: string,
  subsection: string | null,
  name: string,
): string | undefined {
  return allValues(entries, section, subsection, name).at(-1);
}

/** Reads a boolean as git does (git-config(1), "Values"); undefined when it is none. */
export function parseBoolean(value: string): boolean | undefined {
  const word = value.toLowerCase();
  if (['true', 'yes', 'on'].includes(word) || /^[+-]?0*[1-9][0-9]*$/.test(word)) return true;
  if (['false', 'no', 'off', ''].includes(word) || /^[+-]?0+$/.test(word)) return false;
  return undefined;
}
