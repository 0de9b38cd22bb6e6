import type { Readable } from 'node:stream';
import type { RequestVariables } from '../git/http-backend.ts';
import type { Exchange } from './exchange.ts';

/** What the answer of a CGI program begins with (RFC 3875, section 6.3). */
export interface CgiHead {
  status: number;
  /** Names and values in turn. */
  headers: string[];
  /** What came behind it in the same reads. */
  rest: Buffer;
}

/** More than this is no head of git's. */
const LARGEST_HEAD = 65_536;

// Without the empty line at its end.
function parseHead(text: string, rest: Buffer): CgiHead {
  const head: CgiHead = { status: 200, headers: [], rest };
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') head.status = Number.parseInt(value, 10) || 500;
    else if (colon > 0) head.headers.push(name, value);
  }
  return head;
}

/**
 * Reads the head of an answer, and leaves what follows to be read.
 * @returns null when the output ends before the head does, or it is no head
 */
export async function readCgiHead(output: Readable): Promise<CgiHead | null> {
  let read: Buffer = Buffer.alloc(0);
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    read = Buffer.concat([read, chunk as Buffer]);
    const text = read.toString('latin1', 0, LARGEST_HEAD);
    const end = /\r?\n\r?\n/.exec(text);
    if (end === null && read.length >= LARGEST_HEAD) return null;
    if (end === null) continue;
    return parseHead(text.slice(0, end.index), read.subarray(end.index + end[0].length));
  }
  return null;
}

/**
 * What http-backend is told of a request, beside where its repository is and who asks. Not how long its body is: that is read to its end. Where the
 * end came before, as when this server is killed in the middle of a push, http-backend would read on for ever.
 */
export function requestVariables({ client, request }: Exchange, query: string): RequestVariables {
  const { headers, method = 'GET' } = request;
  const optional: Record<string, string | string[] | undefined> = {
    CONTENT_TYPE: headers['content-type'],
    HTTP_CONTENT_ENCODING: headers['content-encoding'],
    GIT_PROTOCOL: headers['git-protocol'],
  };
  const given = Object.entries(optional).filter(
    (pair): pair is [string, string] => typeof pair[1] === 'string',
  );
  return {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: `HTTP/${request.httpVersion}`,
    REQUEST_METHOD: method,
    QUERY_STRING: query,
    REMOTE_ADDR: client ?? '',
    ...Object.fromEntries(given),
  };
}
