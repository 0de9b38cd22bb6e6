import { type ClientRequest, type IncomingMessage, type RequestOptions, request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { dataPacket } from '../../src/pkt-line/encode.ts';

/** One request of a client that is no git. */
export interface RawRequest extends RequestOptions {
  url: string;
  /** Sent as it is: fetch() would make `/a/../b` to `/b`. */
  path: string;
  body?: string | Buffer;
}

/** What came back. */
export interface RawAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  body: Buffer;
}

/** Sends a request whose body, if it has one, is the caller's to send. */
export function begin({ url, path, ...options }: Omit<RawRequest, 'body'>): {
  sent: ClientRequest;
  answer: Promise<IncomingMessage>;
} {
  const { hostname, port } = new URL(url);
  const sent = request({ hostname, port, path, agent: false, ...options });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once('response', resolve);
    sent.on('error', reject);
  });
  answer.catch(() => undefined);
  return { sent, answer };
}

/** Sends a request and reads the whole answer; rejects when that breaks off. */
export async function ask({ body, ...raw }: RawRequest): Promise<RawAnswer> {
  const { sent, answer } = begin(raw);
  sent.end(body);
  const message = await answer;
  return { status: message.statusCode ?? 0, headers: message.headers, body: await buffer(message) };
}

const packet = (text: string) => dataPacket(text).raw.toString();

/** The request for all that a commit leads to (gitprotocol-v2(5), "fetch"). */
export function fetchRequest(path: string, want: string): Omit<RawRequest, 'url'> & { body: string } {
  const words = [packet('command=fetch'), '0001', packet('no-progress')];
  return {
    path: `${path}/git-upload-pack`,
    method: 'POST',
    headers: { 'Git-Protocol': 'version=2', 'Content-Type': 'application/x-git-upload-pack-request' },
    body: [...words, packet(`want ${want}\n`), packet('done\n'), '0000'].join(''),
  };
}
