import type { Environment } from './environment.ts';

// git hands on what stands behind its `-c`, since 2.31 with key and value in quotes of their own.
const NEGOTIATES_NOT = /'fetch\.negotiationalgorithm(?:=|'=')noop'/i;

/**
 * Whether git fetches objects that a partial clone turned out to need: it then starts a `git fetch` of its own, with a
 * setting for that one command that people have no use for (promisor-remote.c, fetch_objects(), since git 2.29).
 */
export function isOnDemand(env: Environment): boolean {
  return NEGOTIATES_NOT.test(env['GIT_CONFIG_PARAMETERS'] ?? '');
}
