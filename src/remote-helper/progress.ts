import type { Readable } from 'node:stream';
import { printable, printableProgress } from '../protocol/text.ts';
import type { Report } from './report.ts';

const COMPLAINT = /^\s*(?:(fatal|error)|warning|hint): /;

/**
 * Shows what git draws while it fetches from a mirror, made fit for a terminal: the counters of index-pack
 * and the `remote:` lines, which are the mirror's own text. Complaints are kept back, since a mirror's
 * failure is told in one line of gam's.
 *
 * @returns the first error, without its `fatal: `, since what follows is only its echo (`index-pack failed`);
 *   empty when there was none
 */
export async function showProgress(
  stderr: Readable | null,
  report: Pick<Report, 'progress'>,
): Promise<string> {
  let rest = '';
  let complaint = '';
  const show = (segment: string) => {
    const match = COMPLAINT.exec(segment);
    if (!match) report.progress(printableProgress(segment));
    else if (match[1] !== undefined && complaint === '') complaint = segment.slice(match[0].length).trim();
  };
  stderr?.setEncoding('utf8');
  for await (const chunk of stderr ?? []) {
    const segments = (rest + String(chunk)).split(/(?<=[\r\n])/);
    rest = /[\r\n]$/.test(segments.at(-1) ?? '') ? '' : (segments.pop() ?? '');
    for (const segment of segments) show(segment);
  }
  if (rest !== '') show(`${rest}\n`);
  return printable(complaint, 160);
}
