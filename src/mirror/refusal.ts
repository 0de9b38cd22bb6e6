import { GamError } from '../errors.ts';
import { type GitUrl, parseGitUrl } from '../protocol/git-url.ts';
import { printable } from '../protocol/text.ts';

const SCHEMES = new Set(['http', 'https']);

function holdsControl(url: string): boolean {
  return printable(url, Number.POSITIVE_INFINITY) !== url || /%(?:[01][0-9a-f]|7f)/i.test(url);
}

function refusalOf(url: string, parsed: GitUrl): string | null {
  if (parsed.kind === 'file') return null;
  if (parsed.kind === 'web') {
    if (!SCHEMES.has(parsed.scheme)) return `protocol '${parsed.scheme}' is not for mirrors`;
    const authority = /^[^/?#]*/.exec(url.slice(parsed.scheme.length + 3))?.[0] ?? '';
    if (authority.includes('@')) return 'a login in the URL; give it to a credential helper instead';
  }
  if (parsed.kind === 'ssh' && /:.*@/.test(parsed.destination)) return 'a password in the URL';
  if (parsed.host === '' || parsed.host === '[]') return 'no host in the URL';
  if (parsed.kind === 'git' && parsed.host.includes('@')) return 'a login in the URL, which git:// has not';
  if (/^-|[\s\\"'`$;|&<>(){}]/.test(parsed.host)) return 'not a host name';
  if (parsed.port !== null && !(/^[0-9]+$/.test(parsed.port) && Number(parsed.port) < 65536))
    return 'not a port';
  return null;
}

/**
 * Judges a mirror URL before anything is contacted: only the transports that git itself speaks, no foreign
 * helper (`ext::` would run a command, `mirror::` would come back here), no login, nothing a program could
 * take for an option or a terminal for an escape code.
 * @returns the URL taken apart, or why it must not be used, in words for the user
 */
export function judgeMirrorUrl(
  url: string,
): { parsed: GitUrl; refusal: null } | { parsed: null; refusal: string } {
  if (holdsControl(url)) return { parsed: null, refusal: 'control characters in the URL' };
  if (url.startsWith('-')) return { parsed: null, refusal: 'the URL looks like an option' };
  try {
    const parsed = parseGitUrl(url);
    const refusal = refusalOf(url, parsed);
    return refusal === null ? { parsed, refusal } : { parsed: null, refusal };
  } catch (error) {
    if (!(error instanceof GamError)) throw error;
    return { parsed: null, refusal: error.message };
  }
}
