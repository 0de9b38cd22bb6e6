import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { endWithUs } from '../../src/git/lifeline.ts';
import { killGroup } from './child.ts';

/** The program behind a CGI answer (RFC 3875), and what it gets as environment. */
export interface CgiProgram {
  command: string;
  args: readonly string[];
  env: Readonly<Record<string, string>>;
}

/** What a CGI answer begins with. */
export interface CgiHead {
  status: number;
  headers: [string, string][];
  /** What came behind the empty line in the same reads. */
  rest: Buffer;
}

function parseHead(text: string, rest: Buffer): CgiHead {
  const head: CgiHead = { status: 200, headers: [], rest };
  for (const line of text.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    const [name, value] = [line.slice(0, colon), line.slice(colon + 1).trim()];
    if (name.toLowerCase() === 'status') head.status = Number.parseInt(value, 10);
    else if (colon > 0) head.headers.push([name, value]);
  }
  return head;
}

/** Reads the head of an answer, and leaves the rest to be read; null when there is none. */
export async function readHead(output: Readable): Promise<CgiHead | null> {
  let read = Buffer.alloc(0);
  for await (const chunk of output.iterator({ destroyOnReturn: false })) {
    read = Buffer.concat([read, chunk as Buffer]);
    const match = /\r?\n\r?\n/.exec(read.toString('latin1'));
    if (!match) continue;
    return parseHead(read.toString('latin1', 0, match.index), read.subarray(match.index + match[0].length));
  }
  return null;
}

/** The request's part of the CGI environment. */
export function cgiVariables(request: IncomingMessage, path: string, query: string): Record<string, string> {
  const { headers } = request;
  const variables: Record<string, string> = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: request.method ?? 'GET',
    PATH_INFO: path,
    QUERY_STRING: query,
    REMOTE_ADDR: request.socket.remoteAddress ?? '',
    CONTENT_TYPE: headers['content-type'] ?? '',
  };
  // A chunked request has no length; the program then reads to the end of the stream.
  if (headers['content-length'] !== undefined) variables['CONTENT_LENGTH'] = headers['content-length'];
  if (headers['content-encoding'] !== undefined) {
    variables['HTTP_CONTENT_ENCODING'] = headers['content-encoding'];
  }
  return variables;
}

/**
 * Answers a request by a CGI program. Both bodies stream through with backpressure, and the program is
 * ended when the client goes away. Resolves when the answer is out or the client is gone.
 * @returns what the program wrote to standard error
 */
export async function answerByCgi(
  request: IncomingMessage,
  response: ServerResponse,
  program: CgiProgram,
): Promise<string> {
  const child = spawn(program.command, program.args, { env: program.env, detached: true });
  if (child.pid !== undefined) child.once('exit', endWithUs(child.pid));
  let complaint = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint += text;
  });
  child.once('error', () => response.destroy());
  response.once('close', () => {
    if (!response.writableFinished) killGroup(child.pid, 'SIGKILL');
  });
  // A program that answers before it has read everything breaks this pipe, and that is its right.
  const fed = pipeline(request, child.stdin).catch(() => undefined);
  try {
    const head = await readHead(child.stdout);
    if (head === null) {
      response.writeHead(500).end();
    } else {
      response.writeHead(head.status, head.headers.flat());
      response.write(head.rest);
      await pipeline(child.stdout, response);
    }
    request.resume();
    await fed;
  } catch {
    response.destroy();
  }
  return complaint;
}
