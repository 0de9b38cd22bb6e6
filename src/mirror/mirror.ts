/** Where gam learnt of a mirror: `remote.<name>.*` or `mirror.<base>.url`. */
export type MirrorSource = 'config' | 'prefix';

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
}
