import { GamError } from '../errors.ts';
import type { KeptClone } from '../git/kept-clone.ts';
import type { Repository } from '../git/repository.ts';
import type { NamedOid } from '../mirror/choose.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Trace } from '../trace/trace.ts';
import type { MirrorContact } from '../transport/mirror-line.ts';
import type { Hand } from './hand.ts';
import type { FindPlace } from './place.ts';
import type { Telling } from './report.ts';

/** What git asked canonical for, and where it is to go. */
export interface StageOrder {
  repository: Repository;
  /** Every name under which canonical advertised a wanted object. */
  wanted: readonly NamedOid[];
  /** The hash of canonical's object ids. */
  format: string;
  /** The commits behind annotated tags, by the tag's id. */
  peeled: ReadonlyMap<string, string>;
  /** Objects that git has told canonical it has: here, with all they lead to. The tips of its refs come first. */
  haves: ReadonlySet<string>;
  /** True when git has nothing yet to build on: keep the pack whole, as a clone does. */
  clone: boolean;
  includeTag: boolean;
  progress: boolean;
}

/** What staging works with. */
export interface StageTools {
  contact: MirrorContact;
  report: Telling;
  trace: Trace;
  pid: number;
  place: FindPlace;
  /** Mirrors that were left in this run, each with the one that it was left for. */
  departures: Map<Mirror, Mirror>;
  hand: Hand;
  /** Where a clone keeps what has come whole; null where it is not run by `gam clone`. */
  kept: KeptClone | null;
}

/**
 * The error of a mirror that is of no use; the message is the reason, in a few words. `mirror-behind` is for one
 * that is in order, and has nothing that is wanted.
 */
export function elsewhere(
  code: 'mirror-behind' | 'mirror-unusable' | 'mirror-broken',
  message: string,
): GamError {
  return new GamError(code, message, { tryElsewhere: true });
}
