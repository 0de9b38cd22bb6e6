/** Stable names for what went wrong; scripts and failover read these, never the message. */
export type ErrorCode =
  | 'arbiter-moved'
  | 'bad-bundle'
  | 'bad-certificate'
  | 'bad-config'
  | 'bad-hooks'
  | 'bad-htpasswd'
  | 'bad-mirror-list'
  | 'bad-packet'
  | 'bad-request'
  | 'bad-root'
  | 'bad-url'
  | 'cannot-listen'
  | 'canonical-down'
  | 'canonical-failed'
  | 'dirty-work-tree'
  | 'git-failed'
  | 'git-missing'
  | 'histories-differ'
  | 'histories-unrelated'
  | 'history-cut'
  | 'lease-lost'
  | 'lock-timeout'
  | 'member-refused'
  | 'member-unreachable'
  | 'merge-conflict'
  | 'merge-rule'
  | 'mirror-barred'
  | 'mirror-behind'
  | 'mirror-broken'
  | 'mirror-endless'
  | 'mirror-left'
  | 'mirror-outpaced'
  | 'mirror-refused'
  | 'mirror-slow'
  | 'mirror-thin'
  | 'mirror-unusable'
  | 'not-a-member'
  | 'not-a-repository'
  | 'not-watched'
  | 'outcome-unknown'
  | 'phase-unready'
  | 'publish-refused'
  | 'push-refused'
  | 'quorum-lost'
  | 'ref-refused'
  | 'remote-busy'
  | 'remote-unreachable'
  | 'replica-behind'
  | 'transport-not-allowed'
  | 'unknown-mirror'
  | 'unknown-remote'
  | 'unknown-revision'
  | 'usage'
  | 'work-in-progress';

/** What an error may carry beside its message. */
export interface ErrorDetails {
  /** Where it happened; must already be redacted. */
  url?: string;
  /** What the user can do next, as a sentence without a full stop. */
  suggestion?: string;
  /** True when another mirror, or canonical, may well do what this one did not. */
  tryElsewhere?: boolean;
  cause?: unknown;
}

/** Every error that gam raises on purpose. The message is one line, fit for a terminal. */
export class GamError extends Error {
  readonly code: ErrorCode;
  readonly url: string | undefined;
  readonly suggestion: string | undefined;
  readonly tryElsewhere: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'GamError';
    this.code = code;
    this.url = details.url;
    this.suggestion = details.suggestion;
    this.tryElsewhere = details.tryElsewhere ?? false;
  }
}
