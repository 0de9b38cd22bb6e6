import { printable } from '../protocol/text.ts';
import type { Exchange } from './exchange.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

// As strftime(3) has it in the common log format, in UTC: 22/Nov/2026:02:35:12 +0000.
function timeOf(milliseconds: number): string {
  const [, year, month, day, time] =
    /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(new Date(milliseconds).toISOString()) ?? [];
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time} +0000`;
}

// What stands between quotes must not end them.
function quoted(text: string): string {
  return `"${printable(text).replaceAll(/["\\]/g, '?')}"`;
}

function word(text: string | null): string {
  return text === null || text === '' ? '-' : printable(text, 100).replaceAll(/[\s"\\]/g, '?');
}

// Of what is asked behind the `?`, only git's own word is shown: the rest may be a token.
function shown(target: string): string {
  const [path = '', query = ''] = target.split('?', 2);
  const [service] = /(?:^|(?<=&))service=git-[a-z-]+/.exec(query) ?? [];
  const rest = service ?? (query === '' ? '' : '...');
  return `${path.replace(/^(https?:\/\/)[^/]*@/i, '$1')}${rest === '' ? '' : `?${rest}`}`;
}

/**
 * A request that has ended as one line: the common log format, and behind it what is git's. It holds no control character
 * and no password.
 */
export function accessLine(exchange: Exchange, status: number): string {
  const { began, bytesIn, bytesOut, client, elapsed, protocol, reason, request, service, user } = exchange;
  const asked = `${request.method ?? ''} ${shown(request.url ?? '')} HTTP/${request.httpVersion}`;
  return [
    `${word(client)} - ${word(user)} [${timeOf(began)}] ${quoted(asked)} ${status} ${bytesOut}`,
    `service=${service} protocol=${word(protocol)} in=${bytesIn} ms=${Math.round(elapsed)}`,
    ...(reason === null ? [] : [`reason=${quoted(reason)}`]),
  ].join(' ');
}
