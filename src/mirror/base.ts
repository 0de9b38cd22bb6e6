import { GamError } from '../errors.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';

const EXAMPLES = 'a base looks like https://host/, ssh://git@host/group/, git@host: or /srv/git/';

function refused(text: string, why: string, suggestion = EXAMPLES): GamError {
  return new GamError('bad-url', `${redactUrl(text)} is no base for URLs: ${why}`, {
    url: redactUrl(text),
    suggestion,
  });
}

/**
 * Reads the base of canonical URLs, as `gam mirrors add --for` takes it: `https://host` becomes
 * `https://host/`, anything else stays as written.
 * @throws GamError `bad-url` when no canonical URL that git can reach could start with it
 */
export function readBase(text: string): string {
  if (printable(text) !== text) throw refused(text, 'control characters');
  if (/^[a-z0-9][a-z0-9+.-]*::/i.test(text)) throw refused(text, 'give the plain URL');
  if (/^(?!file:)[a-z][a-z0-9+.-]*:\/\/(?:\/|$)/i.test(text)) throw refused(text, 'no host in it');
  if (text === '') throw refused(text, 'it is empty');
  const hostOnly = /^[a-z][a-z0-9+.-]*:\/\/[^/]+$/i.test(text) && !text.startsWith('file:');
  const base = hostOnly ? `${text}/` : text;
  let parsed: ReturnType<typeof parseGitUrl>;
  try {
    parsed = parseGitUrl(/[/:]$/.test(base) ? `${base}x` : base);
  } catch {
    throw refused(text, 'git has no transport for it');
  }
  if (parsed.kind === 'file' && !/^(?:[/\\]|[a-z]:[/\\]|file:\/\/)/i.test(text))
    throw refused(text, 'neither a URL nor an absolute path');
  if (parsed.kind !== 'file' && (parsed.host === '' || /[\s\\]/.test(parsed.host)))
    throw refused(text, 'no host in it');
  const login = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)@/i.exec(base)?.[1];
  if (login !== undefined && (parsed.kind === 'web' || login.includes(':')))
    throw refused(text, 'a login in it', 'give the login to a credential helper (git help credentials)');
  return base;
}

/**
 * Reads the base that `gam enable` takes: as readBase(), ended by `/` or `:` so that it cannot take in a
 * host or a group whose name goes on (`https://host` and `https://host.evil.example/`).
 * @throws GamError `bad-url` as readBase(), and for a whole repository or a glob
 */
export function readEnabledBase(text: string): string {
  const base = readBase(text);
  const bare = base.replace(/^([a-z]+:\/\/)?\[[0-9a-f:.]+\]/i, '$1');
  if (/[*?[\]\\]/.test(bare)) throw refused(text, 'it is a glob; a base takes in all that begins with it');
  if (/\.git\/?$/.test(base))
    throw refused(text, 'a single repository', 'for one repository: gam enable --remote <name>, inside it');
  return /[/:]$/.test(base) ? base : `${base}/`;
}

/**
 * The globs that `includeIf "hasconfig:remote.*.url:<glob>"` needs for a base. `**` crosses slashes only
 * right behind one (gitignore(5)), so `git@host:**` alone would miss `git@host:group/repository`.
 */
export function basePatterns(base: string): string[] {
  const literal = base.replace(/[[\]]/g, (bracket) => `\\${bracket}`);
  return literal.endsWith(':') ? [`${literal}**`, `${literal}*/**`] : [`${literal}**`];
}

/** Lets a mirror URL end as its base does, since the rest of the canonical URL is appended to it. */
export function fitToBase(base: string, url: string): string {
  if (!/[/:]$/.test(base)) return url.replace(/(?<=[^/:])\/+$/, '');
  return /[/:]$/.test(url) ? url : `${url}/`;
}
