import { join } from 'node:path';

/** What a member keeps beside its repository, all of it in one folder of the git directory. */
export interface Places {
  folder: string;
  /** The group's document, which the configuration includes. */
  group: string;
  secret: string;
  /** Whose locks and state count, where the arbiter has moved (term.ts). */
  term: string;
  /** A folder for each member that something is still to be sent to. */
  queue: string;
  /** Whether this member is to catch up. */
  wake: string;
  /** Held by the worker. */
  workerLock: string;
  /** What looks at the other members have shown (sightings.ts). */
  sightings: string;
}

/** @param gitDir the repository */
export function placesOf(gitDir: string): Places {
  const folder = join(gitDir, 'gam', 'replica');
  return {
    folder,
    group: join(folder, 'group'),
    secret: join(folder, 'secret'),
    term: join(folder, 'term'),
    queue: join(folder, 'queue'),
    wake: join(folder, 'wake'),
    workerLock: join(folder, 'worker.lock'),
    sightings: join(folder, 'sightings'),
  };
}
