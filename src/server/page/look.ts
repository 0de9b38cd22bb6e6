import type { ConfigEntry } from '../../config/entries.ts';
import { readSettings } from '../../config/settings.ts';
import type { Environment } from '../../git/environment.ts';
import { ownRefs } from '../../git/own-refs.ts';
import { isBundleUrl } from '../../mirror/bundle.ts';
import { refsBehind } from '../../mirror/ref-lag.ts';
import { judgeMirrorUrl } from '../../mirror/refusal.ts';
import type { GitUrl } from '../../protocol/git-url.ts';
import { listRefs } from '../../transport/list-refs.ts';
import { openMirror } from '../../transport/mirror-line.ts';
import { netrcEntry } from '../../transport/netrc.ts';
import { Deadline } from '../../transport/patience.ts';
import type { FoundList } from './find-lists.ts';
import type { Freshness } from './status.ts';

/** What a look comes to, without its time. */
export type Seen = Omit<Freshness, 'lookedAt'>;

/** How long a mirror may take to list its refs once it has greeted, in milliseconds, and the most bytes of that list. */
const PATIENCE = 10_000;
const LONGEST_LIST = 16 * 1024 ** 2;

const PREFIXES = ['refs/heads/', 'refs/tags/'];

/** What brings somebody's login to a host that it was set up for. */
function isLogin({ section, subsection, name }: ConfigEntry): boolean {
  if (subsection === null) return false;
  return section === 'credential' || (section === 'http' && ['extraheader', 'cookiefile'].includes(name));
}

// Whoever may look at the page has this server ask; with whose login, he has no say in.
function unaskedBecause(
  url: string,
  parsed: GitUrl,
  entries: readonly ConfigEntry[],
  env: Environment,
): string | null {
  if (isBundleUrl(url, entries)) return 'a bundle';
  if (parsed.kind === 'git') return null;
  if (parsed.kind !== 'web') return 'only http(s) and git:// are';
  const host = parsed.host.toLowerCase();
  if (netrcEntry(env, host) !== null) return 'it would be sent a login';
  const hasCertificate = entries.some(
    ({ section, subsection, name }) => section === 'http' && subsection !== null && name === 'sslcert',
  );
  return hasCertificate ? 'it would be sent a login' : null;
}

/**
 * Asks a mirror where its refs stand, over the line that a fetch would use, behind the wall around mirrors, and with no
 * login at all. It takes `gam.connectTimeout` and ten seconds at most.
 * @throws when it does not answer
 */
export async function look(
  { gitDir, entries }: FoundList,
  url: string,
  env: Environment,
  signal: AbortSignal,
): Promise<Seen> {
  const judged = judgeMirrorUrl(url);
  const reason =
    judged.parsed === null ? 'no URL for a mirror' : unaskedBecause(url, judged.parsed, entries, env);
  if (reason !== null) return { state: 'unasked', behind: null, reason };
  const own = entries.filter((entry) => !isLogin(entry));
  const { settings } = readSettings(own);
  const line = await openMirror(url, { entries: own, env, settings, signal, note: () => undefined });
  try {
    const theirs = await listRefs(line, PREFIXES, LONGEST_LIST, new Deadline(PATIENCE, 'no list of refs'));
    const behind = refsBehind(await ownRefs(gitDir, { env, signal }), theirs);
    return { state: behind === 0 ? 'same' : 'behind', behind, reason: null };
  } finally {
    line.close();
  }
}
