import { parseGitUrl, type WebUrl } from '../protocol/git-url.ts';
import type { MirrorList } from '../protocol/mirror-list.ts';
import { redactUrl } from '../protocol/redact.ts';
import { repositoryKey } from '../protocol/repository-key.ts';
import { withoutLogin } from './carried.ts';
import { judgeMirrorUrl } from './refusal.ts';

/** What a mirror that is named by its host only has said of a canonical repository. */
export interface KeptAddress {
  /** Where it has it; null where it does not carry it. */
  address: string | null;
  /** Until when that counts, in milliseconds since 1970. */
  until: number;
}

/** Where the mirrors that are named by their host only have one canonical repository. */
export interface Addresses {
  /** As it is told to a mirror, without a login; null for what mirrors are not to be told. */
  readonly canonical: string | null;
  /** What is known of a mirror now; null where it must be asked. */
  recall(mirrorUrl: string): KeptAddress | null;
  keep(mirrorUrl: string, known: KeptAddress): Promise<void>;
  forget(mirrorUrl: string): void;
}

/** For how long an answer counts, in milliseconds. A colleague may clone it any minute. */
const LASTING = { usual: 3_600_000, least: 60_000, most: 24 * 3_600_000, lacking: 600_000 };

/** Whether a mirror is named by its host only, so that it is to be asked where it has a repository. */
export function namesHostOnly(url: string): boolean {
  return /^https?:\/\/[^/?#]+\/?$/.test(url);
}

/**
 * How canonical is called when others are asked for it.
 * @returns null for a path of this machine, and for a URL with what may be a secret
 */
export function tellableUrl(canonical: string): string | null {
  const plain = withoutLogin(canonical);
  try {
    return parseGitUrl(plain).kind === 'file' || redactUrl(plain) !== plain ? null : plain;
  } catch {
    return null;
  }
}

function placeOf({ scheme, host, port }: WebUrl): string {
  return repositoryKey(`${scheme}://${host}${port === null ? '' : `:${port}`}`);
}

// At the very server that was asked, and a path that leads where it seems to.
function isAt(mirror: WebUrl, url: string): boolean {
  const { parsed } = judgeMirrorUrl(url);
  if (parsed?.kind !== 'web' || placeOf(parsed) !== placeOf(mirror) || namesHostOnly(url)) return false;
  return redactUrl(url) === url && !/[\\\s]|\/(?:\.|%2e){1,2}(?:\/|$)/i.test(url);
}

/** What an answer to the question for canonical comes to. */
export type Answered =
  /** `lacks`: it does not carry it. `elsewhere`: it leads to other servers. */
  | { kind: 'at'; known: KeptAddress & { address: string } }
  | { kind: 'lacks'; known: KeptAddress }
  | { kind: 'elsewhere' };

/**
 * Takes the address of canonical out of a mirror's answer. It must be at the very scheme, host and port that were asked: a mirror
 * leads to no other.
 *
 * @param mirror the mirror's URL, of a host only
 * @param now milliseconds since 1970
 */
export function readAddress(list: MirrorList, mirror: WebUrl, canonical: string, now: number): Answered {
  const isAbout = list.canonical.some((url) => repositoryKey(url) === repositoryKey(canonical));
  const named = isAbout ? list.mirrors.map(({ url }) => url) : [];
  if (named.length === 0) return { kind: 'lacks', known: { address: null, until: now + LASTING.lacking } };
  // The root of the server is a repository, too, where a clone is all that is served.
  const own = named.find((url) => isAt(mirror, url) || repositoryKey(url) === placeOf(mirror));
  if (own === undefined) return { kind: 'elsewhere' };
  const lasting = list.ttl === null ? LASTING.usual : list.ttl * 1000;
  const until = now + Math.min(Math.max(lasting, LASTING.least), LASTING.most);
  return { kind: 'at', known: { address: namesHostOnly(own) ? mirror.url : own, until } };
}
