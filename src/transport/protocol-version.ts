import { type ConfigEntry, lastValue } from '../config/entries.ts';
import type { Environment } from '../git/environment.ts';

/** The versions of git's wire protocol. */
export type ProtocolVersion = 0 | 1 | 2;

function parseVersion(text: string | undefined): ProtocolVersion | undefined {
  return ([0, 1, 2] as const).find((version) => String(version) === text);
}

/**
 * The version git would ask a service for: `protocol.version`, else 2. A push goes by version 0 where 2 is
 * asked for, since there is no push in version 2 (connect.c, git_connect).
 */
export function protocolVersion(
  entries: readonly ConfigEntry[],
  env: Environment,
  service: string,
): ProtocolVersion {
  const version =
    parseVersion(lastValue(entries, 'protocol', null, 'version')) ??
    parseVersion(env['GIT_TEST_PROTOCOL_VERSION']) ??
    2;
  return version === 2 && service === 'git-receive-pack' ? 0 : version;
}
