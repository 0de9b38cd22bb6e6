import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';

/** What git says behind the reason, or in its place (connect.c, transport.c, and the hints of builtin/push.c). */
const BESIDES =
  /^(?:Could not read from remote repository\.|Please make sure|and the repository exists|failed to push some refs|hint:|the remote end hung up|gam: )/;
const PROGRESS = /\b\d+% \(\d+\/\d+\)|^(?:remote: )?(?:Enumerating|Counting|Total)\b/;

/**
 * The line of git's standard error that tells why it failed, fit to be shown: the first that is an error and says more than that there is one; else, as
 * where ssh or a hook gave the reason, the last line of theirs.
 *
 * @param stderr in the language C
 */
export function reasonIn(stderr: string): string {
  const lines = stderr
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !PROGRESS.test(line));
  const isError = (line: string) => /^(?:fatal|error): /.test(line);
  const plain = (line: string) => line.replace(/^(?:fatal|error|remote): (?:error: )?/, '');
  const telling = lines.filter((line) => !BESIDES.test(plain(line)));
  const line = telling.find(isError) ?? telling.at(-1) ?? lines.at(-1) ?? 'it said nothing';
  return printable(redactText(plain(line)));
}

/** What the other side has to say of a push: its first error, or the last line of a hook's; null where that is nothing. */
export function remoteWords(stderr: string): string | null {
  const lines = stderr.split(/[\r\n]+/).flatMap((line) => /^remote: (.*\S)/.exec(line)?.[1] ?? []);
  const line = lines.find((one) => one.startsWith('error: ')) ?? lines.findLast((one) => !PROGRESS.test(one));
  return line === undefined ? null : printable(redactText(line.replace(/^error: /, '')));
}
