import { createReadStream, statSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Answers with a file below a folder, as the dumb http protocol wants it; 404 for anything else. */
export async function answerByFile(root: string, path: string, response: ServerResponse): Promise<void> {
  const file = join(root, normalize(decodeURIComponent(path)));
  const found = statSync(file, { throwIfNoEntry: false });
  if (!file.startsWith(root) || !found?.isFile()) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { 'Content-Length': found.size, 'Content-Type': 'application/octet-stream' });
  await pipeline(createReadStream(file), response).catch(() => response.destroy());
}
