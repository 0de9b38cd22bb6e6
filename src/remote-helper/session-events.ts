import type { Readable, Writable } from 'node:stream';
import type { Exit } from '../git/process.ts';
import type { FetchRequest } from '../protocol/fetch-request.ts';
import type { AdvertisedRef } from '../protocol/ls-refs.ts';
import type { Connection } from '../transport/connection.ts';
import type { Completion } from './completion.ts';

/** Where git is: what it writes, and what it reads. */
export interface GitSide {
  input: Readable;
  output: Writable;
}

/** An answer to the very request that is held, for which canonical is not needed. */
export interface OwnAnswer {
  /** @param stateless whether git waits for a response-end packet behind it */
  send(output: Writable, stateless: boolean): Promise<void>;
}

/** What a session needs from outside. */
export interface SessionEvents {
  /** Called before git's first request for refs goes on: whatever is asked now is asked before it. */
  listing(): Promise<void>;
  /** Whether a published list is to be looked for among canonical's refs. */
  seeks(): boolean;
  /** Called when canonical has told its refs, where seeks() said so. @param published the commit of a list; null where there is none */
  listed(published: string | null): void;
  /**
   * Called with git's first fetch request, which waits meanwhile; null when it is to go on as it is. `has` asks
   * canonical whether it would send these objects.
   */
  hold(
    request: FetchRequest,
    refs: readonly AdvertisedRef[],
    has: (oids: readonly string[]) => Promise<boolean>,
  ): Promise<Completion | OwnAnswer | null>;
  /** Called before git hears that nothing will be held: canonical fails, or speaks an older protocol. */
  failing(): Promise<void>;
  /** Called before git hears that canonical's line has ended without a greeting. */
  silent(): Promise<void>;
  /** Called when the answer to the held request is with git, all but its end; git waits meanwhile. */
  ending(): Promise<void>;
  /** Git will ask nothing more, but may not have all its answers yet: what is asked now is answered behind them. */
  leaving(): void;
  /** Git has the answer to its request for objects, and indexes them. */
  served(): void;
  /** Git wants no more; what is left to be done while canonical's line ends costs no time. */
  closed(greeted: number): void;
  /** Git went away while its request was held. */
  hungUp(): void;
  /** Opens canonical's line again. */
  reopen: () => Promise<Connection>;
}

/** How a session ended. */
export interface SessionEnd {
  exit: Exit;
  /** True when canonical's truth reached git: the answer to the request that was held is through. */
  completed: boolean;
  /** Bytes that canonical sent. */
  bytes: number;
  /** When canonical's first answer was here; on performance.now()'s clock. */
  greeted: number;
}
