import { setImmediate as turn } from 'node:timers/promises';

/**
 * Throws when this run was interrupted, also when the signal has come but was not looked at yet: node does
 * that between two turns of its event loop. For the last moment before something is changed, since a clone
 * that is interrupted removes its folder, and whoever still writes there would make it again.
 */
export async function throwIfInterrupted(signal: AbortSignal): Promise<void> {
  // The first turn may be the rest of the one that is under way.
  await turn();
  await turn();
  signal.throwIfAborted();
}
