import { GamError } from '../errors.ts';

/** Where a server listens. */
export interface ListenAddress {
  /** A name or an address; IPv6 without brackets. */
  host: string;
  /** 0: any that is free. */
  port: number;
}

/** Beside that of git daemon, 9418. */
const DEFAULT_PORT = 9419;

/** Where a server listens that was not told: for this machine alone. */
export const DEFAULT_ADDRESS = `127.0.0.1:${DEFAULT_PORT}`;

function unreadable(text: string): GamError {
  return new GamError('usage', `--listen ${text}: that is no <host>:<port>`, {
    suggestion: `write it as in --listen ${DEFAULT_ADDRESS}, --listen [::1]:8080 or --listen 0.0.0.0:8080`,
  });
}

/**
 * Reads `<host>:<port>`, `<host>`, `:<port>` or `<port>`; what is left out is that of the default.
 * @throws GamError `usage`
 */
export function parseListenAddress(text: string): ListenAddress {
  const [all, six, host, port] = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]/]*))(?::([0-9]{1,5}))?$/i.exec(text) ?? [];
  if (all === undefined || all === '' || all === ':') throw unreadable(text);
  if (port === undefined && host !== undefined && /^[0-9]{1,5}$/.test(host))
    return parseListenAddress(`:${host}`);
  const number = port === undefined ? DEFAULT_PORT : Number(port);
  if (number > 65_535) throw unreadable(text);
  return { host: six ?? (host || '127.0.0.1'), port: number };
}

/** The URL of a server; it ends with a slash. */
export function serverUrl(scheme: 'http' | 'https', { host, port }: ListenAddress): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/`;
}
