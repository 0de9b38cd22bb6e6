import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/**
 * An address without the zone of a link (`%eth0`), and IPv4 as such where a socket of both kinds shows it (RFC 4291, 2.5.5.2);
 * null for what is none.
 */
export function plainAddress(text: string): string | null {
  const address = text.replace(/^::ffff:(?=[0-9.]+$)/i, '').replace(/%.*$/, '');
  return isIP(address) === 0 ? null : address;
}

/** Tells whether an address is that of a proxy whose word counts. */
export type IsTrusted = (address: string) => boolean;

function unreadable(text: string): GamError {
  return new GamError(
    'usage',
    `--trusted-proxy ${printable(text)}: that is no address and no range of them`,
    {
      suggestion:
        'write it as in --trusted-proxy 10.0.0.7, --trusted-proxy 10.0.0.0/8 or --trusted-proxy fd00::/8',
    },
  );
}

/**
 * Reads addresses and ranges of them in CIDR notation (RFC 4632, section 3.1; RFC 4291, section 2.3).
 * @throws GamError `usage` for the first that is neither
 */
export function parseTrustedProxies(texts: readonly string[]): IsTrusted {
  const trusted = new BlockList();
  for (const text of texts) {
    const [, given = '', bits] = /^([^/]*)(?:\/([0-9]{1,3}))?$/.exec(text) ?? [];
    const address = plainAddress(given);
    if (address === null || given.includes('%')) throw unreadable(text);
    const longest = family(address) === 'ipv4' ? 32 : 128;
    // Of an IPv4-mapped range, the first 96 bits are those that say so.
    const length = bits === undefined ? longest : Number(bits) - (address === given ? 0 : 96);
    if (length < 0 || length > longest) throw unreadable(text);
    trusted.addSubnet(address, length, family(address));
  }
  return (address) => trusted.check(address, family(address));
}

// Some proxies add the port.
function forwarded(word: string): string | null {
  const text = word.trim();
  const [, six, four] = /^(?:\[([^\]]*)\](?::[0-9]+)?|([0-9.]+):[0-9]+)$/.exec(text) ?? [];
  return plainAddress(six ?? four ?? text);
}

/**
 * The address of the client behind trusted proxies: each adds to `X-Forwarded-For`, on the right, whom it got the request from, so
 * that what stands to the left of the first that is not trusted may be made up. What is no address ends the search, too.
 *
 * @param peer the other end of the socket
 * @param header `X-Forwarded-For`, several of it joined by commas
 */
export function clientBehind(peer: string, header: string, isTrusted: IsTrusted): string | null {
  let client = plainAddress(peer);
  for (const word of header.split(',').toReversed()) {
    const next = client !== null && isTrusted(client) ? forwarded(word) : null;
    if (next === null) break;
    client = next;
  }
  return client;
}

/** The address of whoever asks; null where the line has ended already. */
export function clientOf({ headers, socket }: IncomingMessage, isTrusted: IsTrusted): string | null {
  return clientBehind(
    socket.remoteAddress ?? '',
    [headers['x-forwarded-for'] ?? ''].flat().join(),
    isTrusted,
  );
}
