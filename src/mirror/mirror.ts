import { parseGitUrl } from '../protocol/git-url.ts';
import type { Location } from '../protocol/location.ts';
import { redactUrl } from '../protocol/redact.ts';

/** Where gam learnt of a mirror: `remote.<name>.*`, `mirror.<base>.url`, canonical's list, or a list published as a ref. */
export type MirrorSource = 'config' | 'prefix' | 'server' | 'published';

/** A URL that may serve the objects of one canonical repository. */
export interface Mirror {
  /** As configured, with the rest of the canonical URL appended for `mirror.<base>.url`. */
  url: string;
  source: MirrorSource;
  /** True for `remote.<name>.preferredMirror`: tried first. */
  preferred: boolean;
  /** The name under which its refs are staged: `refs/mirror/<site>/...`. */
  site: string;
  /** Why this mirror is never contacted, in words for the user; null when it may be. */
  refusal: string | null;
  /** Where a list says that it is; null or nothing where none does. */
  location?: Location | null;
  /** The list's word for it, 0 to 100, lower first; null or nothing where there is none. */
  priority?: number | null;
  /** True while it rests, since it failed: it runs only when no other serves. */
  resting?: boolean;
  /** Bytes a second that it was lately seen to send; null or nothing where that is not known. */
  rate?: number | null;
}

/** How a mirror is called in a line for the user: its host and port, or its path. */
export function mirrorHost(url: string): string {
  const parsed = parseGitUrl(url);
  if (parsed.kind === 'file') return redactUrl(url);
  return parsed.port === null ? parsed.host : `${parsed.host}:${parsed.port}`;
}
