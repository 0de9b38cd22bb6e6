import type { Settings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import type { Observation } from '../mirror/measure.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { isFarSlower, outpacedReason, type Rival } from '../mirror/outpaced.ts';
import { LowSpeed, type Patience } from '../transport/patience.ts';

/** The error of a mirror that is in order, but far slower than another is known to be. */
export class Outpaced extends GamError {
  /** The one to turn to. */
  readonly rival: Mirror;
  /** What came in the stretch that was too slow; nothing else tells the next fetch of it. */
  readonly seen: Observation;

  /** @param ms of waiting in which so many bytes came */
  constructor(bytes: number, ms: number, rival: Rival) {
    super('mirror-outpaced', outpacedReason((1000 * bytes) / ms, rival), { tryElsewhere: true });
    this.rival = rival.mirror;
    this.seen = { kind: 'pack', bytes, ms };
  }
}

/**
 * Patience with a mirror that has a rival: as gam.lowSpeedLimit allows, and with each stretch of gam.lowSpeedTime
 * that is spent waiting held against what the rival is known to send. Time spent indexing does not count, so that
 * what comes faster than it can be digested is never called slow.
 */
class Compared implements Patience {
  readonly #least: LowSpeed;
  readonly #rival: Rival;
  readonly #time: number;
  #waited = 0;
  #bytes = 0;

  constructor(least: LowSpeed, rival: Rival, time: number) {
    this.#least = least;
    this.#rival = rival;
    this.#time = time;
  }

  get complaint(): string {
    return this.#least.complaint;
  }

  remaining(): number {
    return this.#least.remaining();
  }

  /** @throws Outpaced at the end of a stretch that was far too slow */
  spent(milliseconds: number, bytes: number): void {
    this.#least.spent(milliseconds, bytes);
    this.#waited += milliseconds;
    this.#bytes += bytes;
    if (this.#waited < this.#time) return;
    const rate = (1000 * this.#bytes) / this.#waited;
    if (isFarSlower(rate, this.#rival)) throw new Outpaced(this.#bytes, this.#waited, this.#rival);
    this.#waited = 0;
    this.#bytes = 0;
  }
}

/**
 * The patience with one mirror's packs. It lasts from its first one to its last: of a history that comes in parts,
 * each part may be too short for a stretch of its own.
 * @param rival who could go on in its place; null when nobody better is known
 */
export function packPatience(
  rival: Rival | null,
  { lowSpeedLimit, lowSpeedTime }: Pick<Settings, 'lowSpeedLimit' | 'lowSpeedTime'>,
): Patience {
  const least = new LowSpeed(lowSpeedLimit, lowSpeedTime);
  return rival === null ? least : new Compared(least, rival, lowSpeedTime);
}
