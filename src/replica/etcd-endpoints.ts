import { isIPv6 } from 'node:net';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';

/** Where a cluster of etcd listens. */
export interface EtcdEndpoints {
  /** `host:port` of its members, each once. */
  hosts: readonly string[];
  /** Whether they are spoken to over TLS. */
  secure: boolean;
  /** Whom to be there (etcd's role-based access control); null where it asks nobody. */
  login: { user: string; password: string } | null;
}

const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;
const MOST_MEMBERS = 20;

// What stands before the last @ may be a password, whatever else is wrong with the text.
function shown(text: string): string {
  return printable(text.replace(/^(etcd:(?:https?:\/\/)?).*@/is, '$1'));
}

function hostOf(text: string): string | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/i.exec(text);
  if (match === null) return null;
  const [, address, name = '', port] = match;
  const isThere = address === undefined ? NAME.test(name) : isIPv6(address);
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return isThere && isPort ? `${text.slice(0, text.lastIndexOf(':'))}:${Number(port)}`.toLowerCase() : null;
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

function loginOf(text: string): EtcdEndpoints['login'] {
  const [, user = '', password = ''] = /^([^:@,/]+):([^@,/]+)$/.exec(text) ?? [];
  const [name, word] = [decoded(user), decoded(password)];
  return name && word ? { user: name, password: word } : null;
}

/**
 * Reads `etcd:<host>:<port>,<host>:<port>...`. `https://` before the first stands for all, and so does `<user>:<password>@` behind it,
 * percent-encoded; these travel over TLS only. A literal IPv6 address stands in brackets.
 *
 * @throws GamError `bad-config`, with neither name nor password in its message
 */
export function parseEtcdEndpoints(text: string): EtcdEndpoints {
  const bad = (why: string) =>
    new GamError('bad-config', `${shown(text)} names no cluster of etcd: ${why}`, {
      suggestion: 'write etcd:<host>:<port>,<host>:<port> or etcd:https://<host>:<port>',
    });
  const [, scheme = '', before, rest] = /^etcd:(https?:\/\/)?(?:(.*)@)?(.*)$/is.exec(text) ?? [];
  if (rest === undefined) throw bad('it does not begin with etcd:');
  if (rest === '') throw bad('no host is named');
  const secure = scheme.toLowerCase() === 'https://';
  const hosts = rest.split(',').map((part) => {
    const own = /^(https?:\/\/)(.*)$/is.exec(part);
    if (own !== null && own[1]?.toLowerCase() !== scheme.toLowerCase())
      throw bad('either all members are spoken to over https, or none');
    const host = hostOf((own?.[2] ?? part).replace(/\/$/, ''));
    if (host === null) throw bad(`${printable(part, 100) || 'nothing'} is no <host>:<port>`);
    return host;
  });
  const twice = hosts.find((host, at) => hosts.indexOf(host) !== at);
  if (twice !== undefined) throw bad(`${twice} is named twice`);
  if (hosts.length > MOST_MEMBERS) throw bad(`more than ${MOST_MEMBERS} members`);
  if (before === undefined) return { hosts, secure, login: null };
  const login = loginOf(before);
  if (login === null) throw bad('before the @ belong a name and a password, percent-encoded');
  if (!secure) throw bad('a password goes over https only');
  return { hosts, secure, login };
}
