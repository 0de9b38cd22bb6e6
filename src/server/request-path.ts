/** What a request is for. */
export interface Target {
  /** Decoded; begins with a slash, and has no empty part, `.` or `..`. */
  path: string;
  /** As it was sent, without the `?`. */
  query: string;
}

// What no file of a repository is named: control characters, and what is a separator on other systems.
const FOREIGN = /[\u0000-\u001f\u007f\\]/;

// A slash that was encoded would become a separator by being decoded, behind the back of whoever looked at the parts
// before, such as a proxy that lets in only some paths.
const ENCODED_SLASH = /%2f/i;

function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

/**
 * Takes a request's target apart (RFC 9112, section 3.2).
 * @returns null for one that no client of git's sends: it would lead elsewhere, or does not decode as UTF-8
 */
export function parseTarget(target: string): Target | null {
  // Whoever takes this server for a proxy sends the absolute form.
  const [rest, query] = splitQuery(target.replace(/^https?:\/\/[^/?#]*/i, ''));
  const path = ENCODED_SLASH.test(rest) ? null : decoded(rest);
  if (path === null || !path.startsWith('/') || FOREIGN.test(path)) return null;
  const parts = path.slice(1).split('/');
  return parts.some((part) => part === '' || part === '.' || part === '..') ? null : { path, query };
}

function splitQuery(target: string): [string, string] {
  const at = target.indexOf('?');
  return at < 0 ? [target, ''] : [target.slice(0, at), target.slice(at + 1)];
}
