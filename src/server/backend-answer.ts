import type { Readable } from 'node:stream';
import type { HttpBackend } from '../git/http-backend.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { AnswerEnd } from './answer-end.ts';
import type { Answers } from './answers.ts';
import { type CgiHead, readCgiHead } from './cgi.ts';
import type { Exchange } from './exchange.ts';
import { feed } from './feed.ts';
import { passOn } from './pass-on.ts';
import type { Patience } from './patience.ts';

/** As much of what git complains of is looked at. */
const COMPLAINT = 4096;

/** Reads what git says on standard error to its end. @returns a look at its first line, so far */
function listen(errors: Readable): () => string | null {
  let text = '';
  errors.setEncoding('utf8').on('data', (more: string) => {
    if (text.length < COMPLAINT) text += more;
  });
  errors.on('error', () => undefined);
  return () => {
    const [line = ''] = text.trimStart().split('\n');
    return line === '' ? null : redactText(printable(line));
  };
}

async function* bodyOf(head: CgiHead, output: Readable): AsyncGenerator<Buffer> {
  if (head.rest.length > 0) yield head.rest;
  for await (const chunk of output) yield chunk as Buffer;
}

// With lines more, it is longer than git may have said.
function headersOf({ headers }: CgiHead, greeting: Answers | null): string[] {
  const at = headers.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'content-length');
  return greeting === null || at < 0 ? headers : headers.toSpliced(at, 2);
}

/**
 * Answers a request by git's http-backend. Both bodies stream through with backpressure. When the client leaves, git is
 * ended, with all it has started; only a receive-pack that has got the whole push goes on, since refs may be changing
 * and hooks running. When git fails in the middle, the answer breaks off, too, so that it cannot pass for a whole one.
 * Resolves when git is through.
 *
 * @param greeting what adds to git's answer, where that is a greeting
 * @param failed what to answer in place of a status of 500, before anything is sent; null for that
 */
export async function answerByBackend(
  exchange: Exchange,
  backend: HttpBackend,
  patience: Patience,
  greeting: Answers | null,
  failed: () => Promise<{ status: number; told: string } | null>,
): Promise<void> {
  const { gone, request, response, service } = exchange;
  let fed = false;
  const leave = () => {
    if (!(fed && service === 'receive-pack')) backend.end();
  };
  gone.addEventListener('abort', leave, { once: true });
  if (gone.aborted) leave();
  const complaint = listen(backend.errors);
  if (backend.input !== null)
    void feed(exchange, backend.input, patience.body).then((whole) => {
      fed = whole;
    });
  try {
    const head = await readCgiHead(backend.output);
    if (head === null) {
      await backend.exit;
      exchange.refuse(
        500,
        complaint() ?? 'git ended without an answer',
        'git failed; the log of the server says why',
      );
      return;
    }
    const instead = head.status === 500 ? await failed() : null;
    if (instead !== null) {
      exchange.refuse(instead.status, complaint() ?? instead.told, instead.told);
      return;
    }
    response.writeHead(head.status, headersOf(head, greeting));
    const end = new AnswerEnd();
    const body = bodyOf(head, backend.output);
    await passOn(exchange, body, greeting, patience.reader, (chunk) => end.add(chunk));
    const { status, signal } = await backend.exit;
    if (status !== 0 || head.status >= 400)
      exchange.reason ??= complaint() ?? `git ended with ${signal ?? status}`;
    // Where git has told of the error in its own protocol, the answer is whole. So it is behind a flush: before 2.30, upload-pack dies
    // of the end of a request that only asks where a shallow history ends (protocol v0), when it has answered it.
    const isWhole = end.tellsError() || (request.method === 'POST' && end.isFlushed());
    if (status === 0 || isWhole) response.end();
    else response.destroy();
  } catch (error) {
    exchange.reason ??= complaint() ?? printable(String(error));
    response.destroy();
  } finally {
    gone.removeEventListener('abort', leave);
    backend.end();
  }
}
