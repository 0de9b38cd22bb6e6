import type { Environment } from '../git/environment.ts';
import { hookKeys } from '../replica/hook-keys.ts';
import type { HookProgram } from '../replica/hook-scripts.ts';
import { placesOf } from '../replica/places.ts';
import { enqueueLook } from '../replica/queue.ts';
import { openReplica } from '../replica/replica.ts';
import type { MemberHooks } from '../server/member-hook.ts';
import { startWorker } from './member-process.ts';

/** What gam serve does for forges that call. A repository that cannot be opened has no secrets, and nobody is told why. */
export function memberHooks(env: Environment, program: HookProgram): MemberHooks {
  return {
    keysOf: async (gitDir) => {
      const replica = await openReplica(gitDir, { env, warn: () => undefined }).catch(() => null);
      return replica === null ? [] : hookKeys(replica);
    },
    wake: async (gitDir, id) => {
      const places = placesOf(gitDir);
      enqueueLook(places.queue, id);
      startWorker({ gitDir, places, run: { env } }, program);
    },
  };
}
