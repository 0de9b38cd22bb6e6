import { allValues, type ConfigEntry } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { LONGEST, type MirrorList, type OfferedMirror } from '../protocol/mirror-list.ts';
import { isPublicHost } from '../protocol/public-host.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { judgeMirrorUrl } from './refusal.ts';
import { siteNames, urlHash } from './site.ts';

/** The name under which a login over ssh is nobody's own. */
const SHARED_USER = 'git';

/**
 * Why a URL is not for others: no client would take it, it leads somewhere else for them, or it may tell them what they are
 * not to know. Null when it is.
 *
 * @param force lets those pass that some others can use: in the same network, or with the same login
 */
export function unfitForOthers(url: string, force: boolean): string | null {
  const { parsed, refusal } = judgeMirrorUrl(url);
  if (parsed === null) return refusal;
  if (parsed.kind === 'file') return 'a path, which leads elsewhere on other machines';
  if (url.length > LONGEST.url) return `longer than ${LONGEST.url} characters`;
  if (parsed.kind === 'web' && /[?#]/.test(url)) return 'what follows ? or # may be a secret';
  if (force) return null;
  const user = parsed.kind === 'ssh' ? /^(.*)@/.exec(parsed.destination)?.[1] : undefined;
  if (user !== undefined && user !== SHARED_USER) return 'a login in it';
  return isPublicHost(parsed.host) ? null : 'a host that others do not reach';
}

/** Mirrors that are fit to be published, and those that are not. */
export interface Publishable {
  mirrors: OfferedMirror[];
  left: { url: string; why: string }[];
}

function idOf(site: string, url: string): string {
  return site.length <= LONGEST.id ? site : `${site.slice(0, LONGEST.id - 8)}+${urlHash(url)}`;
}

/**
 * The mirrors of a remote as others are told of them: those of `remote.<name>.mirrorUrl` that are fit for others, by the names
 * of their hosts. A mirror for all URLs under a base, and the one that is preferred here, are this user's affair.
 */
export function publishableMirrors(
  entries: readonly ConfigEntry[],
  remote: string,
  force: boolean,
): Publishable {
  const urls = [...new Set(allValues(entries, 'remote', remote, 'mirrorurl'))].filter((url) => url !== '');
  const judged = urls.map((url) => ({ url, why: unfitForOthers(url, force) }));
  const fit = judged.filter(({ why }) => why === null).map(({ url }) => url);
  const sites = siteNames(fit.map((url) => ({ url, parsed: parseGitUrl(url) })));
  return {
    mirrors: fit.map((url, at) => ({ id: idOf(sites[at] ?? '', url), url, location: null, priority: null })),
    left: judged.flatMap(({ url, why }) => (why === null ? [] : [{ url: redactUrl(url), why }])),
  };
}

/** Why a URL that must be published must not be. */
export function unfit(url: string, why: string): GamError {
  const shown = redactUrl(url);
  const suggestion =
    'leave it out; --force is for hosts of a network, and logins, that you share with all who read it';
  return new GamError('bad-mirror-list', `${shown} is not for others: ${why}`, { url: shown, suggestion });
}

/**
 * Judges a list before it is published, as those will who read it.
 * @param force as for unfitForOthers()
 * @throws GamError `bad-mirror-list`
 */
export function judgeMirrorList({ canonical, mirrors, successor }: MirrorList, force: boolean): void {
  const urls = [...canonical, ...mirrors.map(({ url }) => url), ...(successor === null ? [] : [successor])];
  for (const url of urls) {
    const why = unfitForOthers(url, force);
    if (why !== null) throw unfit(url, why);
  }
  const strange = mirrors.find(({ id }) => printable(id, LONGEST.id) !== id);
  if (strange !== undefined)
    throw new GamError('bad-mirror-list', `the id '${printable(strange.id)}' has control characters`);
  const url = mirrors.find((one) => canonical.includes(one.url))?.url;
  if (url !== undefined) throw unfit(url, 'it is canonical itself');
}
