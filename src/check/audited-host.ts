import { isIP } from 'node:net';
import type { Haves } from '../git/haves.ts';
import type { GitUrl } from '../protocol/git-url.ts';
import { transportName } from '../transport/allowed.ts';
import type { Shown } from '../transport/shown.ts';

/** One place that a clone or fetch would contact, and what it would see. */
export interface AuditedHost extends Shown {
  role: 'canonical' | 'mirror';
  /** The place in the order in which mirrors are tried, from 1; null for canonical, and for one that never is. */
  rank: number | null;
  url: string;
  /** The URL that `url.<base>.insteadOf` has made this one of; null where none has. Mirrors are never rewritten. */
  rewrittenFrom: string | null;
  transport: string | null;
  /** Null for a place on this machine. */
  host: string | null;
  port: string | null;
  /** `bundle`: a file is downloaded, and no git server is asked. */
  service: 'git' | 'bundle';
  /** `refused` and `off`: it is not contacted. `backing-off`: it goes last. `reason` says why. */
  state: 'ready' | 'backing-off' | 'refused' | 'off';
  reason: string | null;
  source: string | null;
  preferred: boolean;
  /** Names of refs that it is asked for, or what they begin with; a mirror those of them that are wanted. */
  refs: string[];
  /** The URL of canonical that it is told, to be asked where it has that; null where it is named with a path. */
  askedFor: string | null;
  /** The commits here whose ids it is told. */
  haves: Haves | null;
  /** Addresses that can be told without asking anybody; null where a name would have to be looked up. */
  addresses: string[] | null;
}

/** What `gam audit --json` prints. */
export interface Audit {
  url: string;
  canonical: string;
  remote: string | null;
  throughGam: boolean;
  hosts: AuditedHost[];
}

const PORTS: Readonly<Record<string, string>> = { http: '80', https: '443', git: '9418' };

/** Where a URL leads; null for one that leads nowhere. */
export function placeOf(url: GitUrl | null): Pick<AuditedHost, 'transport' | 'host' | 'port' | 'addresses'> {
  if (url === null) return { transport: null, host: null, port: null, addresses: null };
  const transport = transportName(url);
  if (url.kind === 'file') return { transport, host: null, port: null, addresses: null };
  const bare = url.host.replace(/^\[|\]$/g, '');
  // Which port ssh takes its own configuration says.
  return {
    transport,
    host: url.host,
    port: url.port ?? PORTS[transport] ?? null,
    addresses: isIP(bare) ? [bare] : null,
  };
}
