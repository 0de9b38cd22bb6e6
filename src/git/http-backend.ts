import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { type Environment, withoutRepository } from './environment.ts';
import { type Exit, endGroup, startProcess } from './process.ts';
import { gitOutput, runGit } from './run.ts';

/** A git http-backend at work on one request, with upload-pack or receive-pack below it. */
export interface HttpBackend {
  /** The request's body; null where it was said to have none. */
  input: Writable | null;
  /** The answer, by the rules of CGI (RFC 3875, section 6). */
  output: Readable;
  /** What it and those below it complain of. */
  errors: Readable;
  /** Its own end; those below it may outlive it. Rejects when it could not be started. */
  exit: Promise<Exit>;
  /** Ends it and all that it has started, unless it has come to its end. */
  end(): void;
}

/** What a request is, in variables of CGI (RFC 3875, section 4.1), and REMOTE_USER where somebody has logged in. */
export type RequestVariables = Readonly<Record<string, string>>;

// What the server's own environment must not say about requests, had it been started by a web server itself.
const OF_A_REQUEST =
  /^(?:HTTP_.*|REMOTE_.*|CONTENT_.*|PATH_INFO|PATH_TRANSLATED|QUERY_STRING|REQUEST_METHOD|SERVER_PROTOCOL|GIT_PROTOCOL|GIT_PROJECT_ROOT|GIT_HTTP_EXPORT_ALL|GIT_HTTP_MAX_REQUEST_BUFFER)$/;

/**
 * Finds git's own server of smart and dumb http, git-http-backend(1).
 * @returns its path: git, started before it only to find it, would be a process more for each request
 * @throws GamError `git-missing` when there is no git, or one without it
 */
export async function findHttpBackend(env: Environment): Promise<string> {
  const folder = (await gitOutput(['--exec-path'], { env })).trimEnd();
  const program = join(folder, 'git-http-backend');
  if (existsSync(program)) return program;
  throw new GamError('git-missing', `git has no http-backend in ${printable(folder)}`, {
    suggestion: 'install it; some systems have it in a package of its own, such as git-daemon',
  });
}

/**
 * The environment in which http-backend serves: the administrator's, with his git configuration (`GIT_CONFIG_COUNT`),
 * but without what names a repository or is said of one request.
 */
export function servingEnvironment(env: Environment): Environment {
  const { GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS } = env;
  const kept = Object.entries(withoutRepository(env)).filter(([name]) => !OF_A_REQUEST.test(name));
  return { ...Object.fromEntries(kept), GIT_CONFIG_COUNT, GIT_CONFIG_PARAMETERS, GIT_HTTP_EXPORT_ALL: '1' };
}

/**
 * Starts http-backend for one request, at the head of a process group of its own.
 *
 * @param env as servingEnvironment() makes it
 * @param hasBody whether the request may have a body
 */
export function startHttpBackend(
  program: string,
  env: Environment,
  request: RequestVariables,
  hasBody: boolean,
): HttpBackend {
  const { child, exit } = startProcess(program, [], {
    env: { ...env, ...request },
    stdio: [hasBody ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let ending = false;
  let over = false;
  const end = () => {
    if (!ending) endGroup(child, exit);
    ending = true;
  };
  // A program that answers before it has read all of the request breaks the pipe; its status tells why.
  child.stdin?.on('error', () => undefined);
  return {
    input: child.stdin,
    output: child.stdout as Readable,
    errors: child.stderr as Readable,
    exit: new Promise((resolve, reject) => {
      exit.catch(reject);
      child.once('exit', (status, signal) => {
        over = true;
        // It would have waited for those below it: where it was killed, they are not to go on alone.
        if (signal !== null) end();
        resolve({ status, signal });
      });
    }),
    // What is left of its group when it has ended by itself is what a hook has put into the background.
    end: () => {
      if (!over) end();
    },
  };
}

/** Why git itself will not work in a repository, such as one of another user's (`safe.directory`); null where it does. */
export async function refusalOf(gitDir: string, env: Environment): Promise<string | null> {
  const { status, stderr } = await runGit(['-C', gitDir, 'rev-parse', '--git-dir'], { env });
  return status === 0 ? null : printable(stderr.split('\n')[0] ?? '');
}
