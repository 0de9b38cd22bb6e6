import { printablePath } from '../protocol/text.ts';

/** So many names of files a message tells. */
const NAMED = 3;
/** A first line that is longer is cut by what shows it (git-commit(1), DISCUSSION). */
const LONGEST = 72;

/** What a message may tell. */
export interface MessageParts {
  host: string;
  /** latin1. */
  paths: readonly string[];
}

function named(paths: readonly string[]): string {
  const names = paths.map((path) => printablePath(path.slice(path.lastIndexOf('/') + 1)));
  for (let count = Math.min(NAMED, names.length); count > 0; count -= 1) {
    const more = names.length > count ? ` and ${names.length - count} more` : '';
    const text = names.slice(0, count).join(', ') + more;
    if (text.length <= LONGEST || count === 1) return text;
  }
  return 'nothing';
}

/**
 * The message of a commit: `{host}`, `{count}` and `{names}` of the template are filled in. It is never empty, as git takes none that is:
 * a file may be named with a blank.
 */
export function writeMessage(template: string, { host, paths }: MessageParts): string {
  const values: Record<string, string> = { host, count: String(paths.length), names: named(paths) };
  const message = template.replaceAll(/\{(host|count|names)\}/g, (_, key: string) => values[key] ?? '');
  return message.trim() === '' ? `${paths.length} changed` : message;
}
