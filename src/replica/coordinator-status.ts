import type { LookBounds } from './ask-members.ts';
import type { RefValues } from './converge.ts';
import type { Coordinator, HeldLock } from './coordinator.ts';
import type { Group } from './group.ts';

/** How the coordinator of a group is. */
export interface CoordinatorStatus {
  /** `git` or `etcd`. */
  kind: string;
  /** The member in whose refs it lives; null for any other kind. */
  arbiter: string | null;
  /** Null where nobody has looked. */
  healthy: boolean | null;
  /** Why it is not. */
  reason: string | null;
  /** How long it took to tell state and locks. */
  latencyMs: number | null;
}

/** What a coordinator told. */
export interface CoordinatorLook {
  status: CoordinatorStatus;
  /** Null where it did not answer. */
  state: RefValues | null;
  locks: HeldLock[] | null;
}

/** What is known of a coordinator that nobody has asked. */
export function unseenCoordinator({ coordinator, arbiter }: Group): CoordinatorStatus {
  const [kind = 'git'] = coordinator.split(':');
  return { kind, arbiter: kind === 'git' ? arbiter : null, healthy: null, reason: null, latencyMs: null };
}

/** Asks a coordinator for all that it has. */
export async function lookAtCoordinator(
  group: Group,
  coordinator: Promise<Coordinator>,
  { within, wordsOf }: Pick<LookBounds, 'within' | 'wordsOf'>,
): Promise<CoordinatorLook> {
  const began = performance.now();
  const unseen = unseenCoordinator(group);
  try {
    const asked = coordinator.then((one) => Promise.all([one.state(), one.locks()]));
    const [state, locks] = await within(asked);
    const latencyMs = Math.round(performance.now() - began);
    return { status: { ...unseen, healthy: true, latencyMs }, state, locks };
  } catch (error) {
    return { status: { ...unseen, healthy: false, reason: wordsOf(error) }, state: null, locks: null };
  }
}
