import { Quarantine } from '../git/quarantine.ts';
import type { Repository } from '../git/repository.ts';
import { makeStandIn, type StandIn } from '../git/stand-in.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { type MirrorLine, openMirror } from '../transport/mirror-line.ts';
import { refuse } from './passing-over.ts';
import type { StageTools } from './stage-order.ts';

/** What a request needs that is to be sent on: a mirror's line, and a place for what comes. Either may yet fail. */
export interface Prepared {
  line: Promise<MirrorLine>;
  place: Promise<RoutePlace>;
}

/** A place for what a mirror sends. */
export interface RoutePlace {
  quarantine: Quarantine;
  standIn: StandIn;
}

/** Closes the line, and removes the place, as soon as they are there; to be called once nothing more is wanted of them. */
export async function discard({ line, place }: Prepared): Promise<void> {
  const [opened, made] = await Promise.allSettled([line, place]);
  if (opened.status === 'fulfilled') opened.value.close();
  if (made.status === 'fulfilled') await made.value.quarantine.remove();
}

/**
 * Opens a mirror's line, and makes the place meanwhile.
 *
 * @param format the hash of the object ids
 * @throws GamError with `tryElsewhere` when the mirror must not be used
 */
export function prepareRoute(
  mirror: Mirror,
  repository: Repository,
  format: string,
  { contact, trace, pid }: StageTools,
): Prepared {
  refuse(mirror);
  trace('mirror-try', { site: mirror.site });
  const line = openMirror(mirror.url, contact);
  const place = makePlace(repository, format, pid);
  for (const one of [line, place]) one.catch(() => undefined);
  return { line, place };
}

async function makePlace({ objects, env }: Repository, format: string, pid: number): Promise<RoutePlace> {
  const quarantine = await Quarantine.open(objects, pid);
  try {
    return { quarantine, standIn: await makeStandIn(quarantine, format, env) };
  } catch (error) {
    await quarantine.remove();
    throw error;
  }
}

/**
 * A route that is prepared before git has said what it wants: it is a lazy fetch, so there will be a request, and for this
 * mirror. Canonical may greet meanwhile.
 */
export class RouteAhead {
  readonly #mirror: Mirror;
  readonly #format: string;
  readonly #giveUp = new AbortController();
  #prepared: Prepared | null = null;

  /** @param format the hash of the repository's object ids */
  constructor(mirror: Mirror, format: string) {
    this.#mirror = mirror;
    this.#format = format;
  }

  /** Starts it; what goes wrong is told to whoever takes it over. */
  begin(repository: Repository, tools: StageTools): void {
    const signal = AbortSignal.any([tools.contact.signal, this.#giveUp.signal]);
    const own = { ...tools, contact: { ...tools.contact, signal } };
    this.#prepared = prepareRoute(this.#mirror, repository, this.#format, own);
  }

  /**
   * Hands over what is under way, if it is for this mirror and this hash.
   *
   * @param signal ends it from now on
   */
  take(mirror: Mirror, format: string, signal: AbortSignal): Prepared | null {
    const prepared = this.#prepared;
    if (prepared === null || mirror !== this.#mirror || format !== this.#format) return null;
    this.#prepared = null;
    if (signal.aborted) this.#giveUp.abort();
    signal.addEventListener('abort', () => this.#giveUp.abort(), { once: true });
    return prepared;
  }

  /** Gives up, and waits until nothing of it is left. Does nothing to what was handed over. */
  async abandon(): Promise<void> {
    const prepared = this.#prepared;
    if (prepared === null) return;
    this.#prepared = null;
    this.#giveUp.abort();
    await discard(prepared);
  }
}
