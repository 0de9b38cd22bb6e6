import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { type CgiHead, type CgiProgram, readHead } from './cgi.ts';

const SUFFIX = '/info/refs';
const QUERY = 'service=git-upload-pack';

// What git's answer depends on: it names what the server can do, and no ref (gitprotocol-v2(5), "Capability
// Advertisement"). Null for any other request, and for what is no repository.
function causes(request: IncomingMessage, { env }: CgiProgram): string | null {
  const { PATH_INFO: path = '', GIT_PROJECT_ROOT: root = '', GIT_CONFIG_GLOBAL: global = '' } = env;
  if (request.method !== 'GET' || env['QUERY_STRING'] !== QUERY || env['GIT_PROTOCOL'] !== 'version=2')
    return null;
  const folder = join(root, path.slice(0, -SUFFIX.length));
  try {
    const files = [join(folder, 'HEAD'), join(folder, 'config'), global];
    return [path, env['GIT_CONFIG_PARAMETERS'], ...files.map((file) => readFileSync(file))].join('\0');
  } catch {
    return null;
  }
}

interface Greeting {
  head: CgiHead;
  body: Buffer;
}

async function ask({ command, args, env }: CgiProgram): Promise<Greeting | null> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const head = await readHead(child.stdout);
  if (head === null) return null;
  const rest: Buffer[] = [head.rest];
  for await (const chunk of child.stdout) rest.push(chunk as Buffer);
  return { head, body: Buffer.concat(rest) };
}

/**
 * Greetings of one server, each asked of git-http-backend(1) once and said again as long as the repository's
 * configuration stays as it is. A third of all requests is for one of them.
 */
export class Greetings {
  readonly #known = new Map<string, Greeting>();

  /** Answers a request for a greeting; false, with nothing said, for any other, and where git has no answer. */
  async answer(request: IncomingMessage, response: ServerResponse, program: CgiProgram): Promise<boolean> {
    const key = causes(request, program);
    if (key === null) return false;
    const greeting = this.#known.get(key) ?? (await ask(program));
    if (greeting?.head.status !== 200) return false;
    this.#known.set(key, greeting);
    request.resume();
    response.writeHead(200, greeting.head.headers.flat()).end(greeting.body);
    return true;
  }
}
