import type { DaemonUrl } from '../protocol/git-url.ts';

/** What Node tells of a connection that failed; of several addresses, each has an error of its own. */
interface SocketError extends Error {
  code?: string;
  syscall?: string;
  address?: string;
  errors?: SocketError[];
}

/** What the C library says, as git passes it on. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  ENETUNREACH: 'Network is unreachable',
  ETIMEDOUT: 'Connection timed out',
  ENOTFOUND: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
};

function wordsFor({ code = '', message }: SocketError): string {
  return WORDS[code] ?? message;
}

/**
 * The lines with which git dies when it cannot connect to a git daemon (connect.c, git_tcp_connect_sock()): in an
 * untranslated git, on a system whose C library is GNU's.
 */
export function connectFailure({ host, port }: DaemonUrl, cause: unknown): string[] {
  const error = cause as SocketError;
  if (error.syscall === 'getaddrinfo')
    return [`unable to look up ${host} (port ${port ?? '9418'}) (${wordsFor(error)})`];
  const tried = (error.errors ?? [error]).map(
    (one, at) => `${host}[${at}: ${one.address ?? host}]: errno=${wordsFor(one)}`,
  );
  return [`unable to connect to ${host}:`, ...tried, ''];
}
