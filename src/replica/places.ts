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
  /** A file for each push that is at work here. */
  begun: string;
  /** What this member knows of its gate at the arbiter (refs-gate.ts). */
  gate: string;
  /** A file for each commit at once whose mark at the arbiter is not needed any more. */
  done: string;
  /** Whether this member is to catch up. */
  wake: string;
  /** Whether it is just doing so. */
  waking: string;
  /** Held by the worker. */
  workerLock: string;
  /** What looks at the other members have shown (sightings.ts). */
  sightings: string;
  /** What the worker did, and what went wrong; and how it went on before that, when it had grown large. */
  log: string;
  formerLog: string;
  /** A file for each member that could not be brought up to date. */
  failures: string;
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
    begun: join(folder, 'begun'),
    gate: join(folder, 'gate'),
    done: join(folder, 'done'),
    wake: join(folder, 'wake'),
    waking: join(folder, 'waking'),
    workerLock: join(folder, 'worker.lock'),
    sightings: join(folder, 'sightings'),
    log: join(folder, 'log'),
    formerLog: join(folder, 'log.1'),
    failures: join(folder, 'failures'),
  };
}
