/** Something by which a server can tell who asks. Its value is never held here. */
export interface Credential {
  kind: 'agent' | 'certificate' | 'cookie' | 'header' | 'helper' | 'key' | 'netrc' | 'prompt' | 'url';
  /** A configuration variable, one of the environment, a file, or `URL`. */
  from: string;
  /** With every request, or when the server asks who is there. */
  sent: 'always' | 'asked';
}

/** A header of http by its name. */
export interface Header {
  name: string;
  /** The variable it is from; null for git's own. */
  from: string | null;
  /** False where it depends on the request. */
  always: boolean;
}

/** What a server, or a proxy before it, is shown of the user and this machine. */
export interface Shown {
  credentials: Credential[];
  headers: Header[];
  /** `login`: whether a user name or a password is sent to it. */
  proxy: { url: string; from: string; login: boolean } | null;
  /** Null where no program names itself. */
  userAgent: string | null;
}

/** What is shown to nobody. */
export const NOTHING_SHOWN: Shown = { credentials: [], headers: [], proxy: null, userAgent: null };
