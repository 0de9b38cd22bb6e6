import { parseGitUrl } from '../protocol/git-url.ts';
import { redactUrl } from '../protocol/redact.ts';

/** Under which names a place's measures are kept; no login is in them. */
export interface MeasureKeys {
  /** Of the very URL. */
  own: string;
  /** Of the host: everything that it serves comes over the same line. Null for a path, where disks differ. */
  line: string | null;
  /** The host alone, whatever is spoken with it: a name in small letters or an address. Null for a path. */
  host: string | null;
}

/** The names for the measures of a URL that parseGitUrl() can read. */
export function measureKeys(url: string): MeasureKeys {
  const own = redactUrl(url);
  const parsed = parseGitUrl(url);
  if (parsed.kind === 'file') return { own, line: null, host: null };
  const scheme = parsed.kind === 'web' ? parsed.scheme : parsed.kind;
  const port = parsed.port === null ? '' : `:${parsed.port}`;
  const line = redactUrl(`${scheme}://${parsed.host.toLowerCase()}${port}`);
  const host = parsed.host.slice(parsed.host.lastIndexOf('@') + 1).toLowerCase();
  return { own, line, host: host.replace(/^\[(.*)\]$|\.$/, '$1') };
}
