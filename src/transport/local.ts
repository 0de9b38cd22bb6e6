import { type Environment, withoutRepository } from '../git/environment.ts';
import type { FileUrl } from '../protocol/git-url.ts';
import type { Connection, Opening } from './connection.ts';
import { processConnection } from './process-connection.ts';
import { shellQuote, throughShell } from './shell.ts';

/** The process that serves a repository of this machine, and its environment (connect.c, git_connect). */
export function localService(
  url: FileUrl,
  { service, version, env }: Pick<Opening, 'service' | 'version' | 'env'>,
): { words: [string, ...string[]]; env: Environment } {
  const clean = withoutRepository(env);
  return {
    words: throughShell(`${service} ${shellQuote(url.path)}`, []),
    env: version > 0 ? { ...clean, GIT_PROTOCOL: `version=${version}` } : clean,
  };
}

/** Opens a service on a repository of this machine. */
export function openLocal(url: FileUrl, opening: Opening): Connection {
  const { words, env } = localService(url, opening);
  const [command, ...args] = words;
  return processConnection(command, args, env, opening);
}
