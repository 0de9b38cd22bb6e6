import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { domainToASCII } from 'node:url';
import { isPublicAddress } from '../protocol/public-address.ts';

/**
 * Names that DNS knows nothing of, or that mean something else in each network (RFC 6761, 6762, 7686, 8375, 9476), and
 * those of one word, which mostly stand in ~/.ssh/config. To ask for them would only tell others of them.
 */
const NOT_IN_DNS =
  /^[^.]*$|(?:^|\.)(?:local|localhost|internal|lan|home\.arpa|test|example|example\.(?:com|net|org)|invalid|onion|alt)$/;

/** A packet that is lost is sent again after half a second, then ever later. The end is not this, but the caller's time. */
const PATIENCE = { timeout: 500, tries: 10 };

/** How names are looked up. */
export interface Lookup {
  /** Milliseconds that all of it may take. */
  timeout: number;
  signal?: AbortSignal | undefined;
  /** DNS servers, `<address>:<port>`, in place of the system's. */
  servers?: readonly string[];
}

/**
 * Finds the public addresses of hosts, side by side. DNS is asked by node's own resolver, and not by the system's
 * (getaddrinfo), which cannot be stopped: behind a DNS server that does not answer it would hold the process for as long
 * as the system pleases.
 * @param hosts names and addresses, as measureKeys() names them
 * @returns for each host its addresses, none where it has no public one; a host that nobody could tell of is left out
 */
export async function publicAddresses(
  hosts: Iterable<string>,
  { timeout, signal, servers }: Lookup,
): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  const resolver = new Resolver(PATIENCE);
  if (servers) resolver.setServers(servers);
  const cancel = () => resolver.cancel();
  const timer = setTimeout(cancel, timeout);
  signal?.addEventListener('abort', cancel, { once: true });
  const ask = async (host: string) => {
    const name = domainToASCII(host);
    if (isIP(host) !== 0 || isIP(name) !== 0 || NOT_IN_DNS.test(name)) {
      found.set(host, [host, name].filter(isPublicAddress).slice(0, 1));
      return;
    }
    const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
    const all = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    if (all.length > 0) found.set(host, all.filter(isPublicAddress));
  };
  try {
    await Promise.all([...new Set(hosts)].map(ask));
    return found;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}
