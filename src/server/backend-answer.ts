import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { HttpBackend } from '../git/http-backend.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { AnswerEnd } from './answer-end.ts';
import { type CgiHead, readCgiHead } from './cgi.ts';
import type { Exchange } from './exchange.ts';
import { feed } from './feed.ts';
import { type Patience, within } from './patience.ts';

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

/** Passes git's answer on, no faster than the client takes it. @returns what it ended with */
async function passOn(
  exchange: Exchange,
  head: CgiHead,
  output: Readable,
  patience: number,
): Promise<AnswerEnd> {
  const { gone, request, response } = exchange;
  const end = new AnswerEnd();
  const write = async (chunk: Buffer) => {
    end.add(chunk);
    // A receive-pack that has all it needs goes on without its client, and must not find its pipe full.
    if (gone.aborted) return;
    if (request.method !== 'HEAD') exchange.bytesOut += chunk.length;
    if (response.write(chunk)) return;
    const asleep = () => {
      exchange.reason ??= 'the client stopped reading';
      response.destroy();
    };
    await within(patience, once(response, 'drain', { signal: gone }), asleep).catch(() => undefined);
  };
  if (head.rest.length > 0) await write(head.rest);
  for await (const chunk of output) await write(chunk as Buffer);
  return end;
}

/**
 * Answers a request by git's http-backend. Both bodies stream through with backpressure. When the client leaves, git is
 * ended, with all it has started; only a receive-pack that has got the whole push goes on, since refs may be changing
 * and hooks running. When git fails in the middle, the answer breaks off, too, so that it cannot pass for a whole one.
 * Resolves when git is through.
 *
 * @param failed what to answer in place of a status of 500, before anything is sent; null for that
 */
export async function answerByBackend(
  exchange: Exchange,
  backend: HttpBackend,
  patience: Patience,
  failed: () => Promise<{ status: number; told: string } | null>,
): Promise<void> {
  const { gone, response, service } = exchange;
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
    response.writeHead(head.status, head.headers);
    const end = await passOn(exchange, head, backend.output, patience.reader);
    const { status, signal } = await backend.exit;
    if (status !== 0 || head.status >= 400)
      exchange.reason ??= complaint() ?? `git ended with ${signal ?? status}`;
    // Where git has told of the error in its own protocol, the answer is whole.
    if (status === 0 || end.tellsError()) response.end();
    else response.destroy();
  } catch (error) {
    exchange.reason ??= complaint() ?? printable(String(error));
    response.destroy();
  } finally {
    gone.removeEventListener('abort', leave);
    backend.end();
  }
}
