import type { PreparedSwap } from '../git/swap-refs.ts';
import type { RefUpdate } from '../protocol/proc-receive.ts';
import type { Coordinator } from './coordinator.ts';
import type { Member } from './group.ts';
import type { Replica } from './replica.ts';
import { wakeHere } from './wake.ts';

/** How a push is done. */
export interface TransactionOptions {
  /** All refs or none. */
  atomic: boolean;
  /** Told, in one line each, of what happens. */
  tell: (line: string) => void;
  signal: AbortSignal;
}

/** A push that is under way. */
export interface Push {
  replica: Replica;
  transaction: string;
  coordinator: Coordinator;
  options: TransactionOptions;
}

/** What a commit has moved. */
export interface Moved {
  done: readonly RefUpdate[];
  /** The members that have it, beside this one. */
  at: readonly Member[];
}

/** Moves what is prepared here: the group has it from now on, whatever happens to this member. */
export async function moveHere(
  { gitDir, self }: Replica,
  prepared: PreparedSwap,
  tell: TransactionOptions['tell'],
): Promise<void> {
  await prepared.commit().catch((error: Error) => {
    wakeHere(gitDir);
    tell(`the group has it, and ${self.id} follows: ${error.message}`);
  });
}
