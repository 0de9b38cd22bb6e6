import { createReadStream, existsSync, statSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** The part that a request asks for, as `bytes=<from>-[<to>]`; null for all of it, or what is no single part. */
function askedPart(
  request: IncomingMessage,
  tag: string,
  size: number,
): { start: number; end: number } | null {
  const condition = request.headers['if-range'];
  if (condition !== undefined && condition !== tag) return null;
  const [, from, to] = /^bytes=([0-9]+)-([0-9]*)$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined || Number(from) >= size) return null;
  return {
    start: Number(from),
    end: to === '' || to === undefined ? size - 1 : Math.min(Number(to), size - 1),
  };
}

/**
 * Answers with a file below a folder, or the part of it that was asked for (RFC 9110, "Range Requests"); 404 for
 * anything else.
 */
export async function answerByFile(
  root: string,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = join(root, normalize(decodeURIComponent(path)));
  const found = existsSync(file) ? statSync(file) : null;
  if (!file.startsWith(root) || !found?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  const tag = `"${found.size}-${found.mtimeMs}"`;
  const part = askedPart(request, tag, found.size);
  const about = { 'Content-Type': 'application/octet-stream', 'Accept-Ranges': 'bytes', ETag: tag };
  if (part === null) response.writeHead(200, { ...about, 'Content-Length': found.size });
  else {
    const range = `bytes ${part.start}-${part.end}/${found.size}`;
    response.writeHead(206, {
      ...about,
      'Content-Length': part.end - part.start + 1,
      'Content-Range': range,
    });
  }
  await pipeline(createReadStream(file, part ?? {}), response).catch(() => response.destroy());
}
