/** One configuration variable, taken apart; the name may be in any case. */
export interface ConfigKey {
  section: string;
  subsection: string | null;
  name: string;
}

/** The key as `git config` takes it. */
export function writeKey({ section, subsection, name }: ConfigKey): string {
  return subsection === null ? `${section}.${name}` : `${section}.${subsection}.${name}`;
}

function quoteSubsection(text: string): string {
  return text.replace(/["\\]/g, (character) => `\\${character}`);
}

function writeHeader({ section, subsection }: ConfigKey): string {
  return subsection === null ? `[${section}]` : `[${section} "${quoteSubsection(subsection)}"]`;
}

// git's write_pair(): quoted when a comment sign or an outer blank would else be lost.
function writeLine(name: string, value: string): string {
  const quote = /^ |[;#\r]| $/.test(value) ? '"' : '';
  const escaped = value.replace(/["\\]/g, (character) => `\\${character}`);
  return `\t${name} = ${quote}${escaped.replaceAll('\n', '\\n').replaceAll('\t', '\\t')}${quote}`;
}

/** The lines of a config file that give a variable these values, under a section header of their own. */
export function writeSection(key: ConfigKey, values: readonly string[]): string[] {
  return [writeHeader(key), ...values.map((value) => writeLine(key.name, value))];
}

/**
 * Takes one value out of a config file so that every other byte stays: the line that `git config --add`
 * wrote and, when nothing is left under it, its section header. git's own `--unset` keeps the header after a
 * comment and eats empty lines (seen on 2.25 to 2.55), and neither undoes an addition.
 * @param text the file, one character a byte (latin1)
 * @returns the file without the value; null when it does not stand there in the form that git writes
 */
export function withoutEntry(text: string, key: ConfigKey, value: string): string | null {
  const header = Buffer.from(writeHeader(key)).toString('latin1');
  const entry = Buffer.from(writeLine(key.name, value)).toString('latin1');
  const lines = text.split('\n');
  let headerAt = -1;
  for (const [index, line] of lines.entries()) {
    if (/^\s*\[/.test(line)) headerAt = line.startsWith(header) ? index : -1;
    // A line behind a backslash belongs to the value above it.
    if (headerAt < 0 || line !== entry || lines[index - 1]?.endsWith('\\')) continue;
    const emptied =
      headerAt === index - 1 && lines[headerAt] === header && !holdsEntry(lines.slice(index + 1));
    const first = emptied ? headerAt : index;
    return [...lines.slice(0, first), ...lines.slice(index + 1)].join('\n');
  }
  return null;
}

/** True when the section that these lines continue still holds a variable. */
function holdsEntry(lines: readonly string[]): boolean {
  const telling = lines.find((line) => !/^\s*(?:[;#].*)?$/.test(line));
  return telling !== undefined && !/^\s*\[/.test(telling);
}
