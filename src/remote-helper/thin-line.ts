import { GamError } from '../errors.ts';
import type { Patience } from '../transport/patience.ts';

/** A line that brings so many bytes a second is a good one, and needs no checkpoints. */
const GOOD_RATE = 4 * 1024 ** 2;

/**
 * What would come in less time comes in one piece over any line. To make the parts anew takes a server a good part of that,
 * while nothing comes. Milliseconds.
 */
const LONG = 10_000;

/** What an object is taken to weigh in a pack, in bytes: the pack tells how many there are, not what they weigh. */
const OBJECT = 512;

/** Fewer objects always come in one piece: a line that merely stops for a while at the beginning would seem thin. */
const LARGE = 8192;

/**
 * What a rate is taken from: so many bytes behind as many others, since TCP starts slowly (over 150 ms it takes a second
 * until a good line shows); or what came in so many milliseconds, by when it is over.
 */
const SAMPLE = { bytes: 1024 ** 2, milliseconds: 3000 };

/** The error of a line that is thin for what it has to bring. The mirror is in order, and goes on in parts. */
export class ThinLine extends GamError {
  constructor() {
    super('mirror-thin', 'has a thin line', { tryElsewhere: true });
  }
}

/**
 * Patience with a large pack that ends as soon as the line turns out thin. As with a rival, only waiting counts: what comes
 * faster than it can be indexed comes over a good line.
 */
export class ThinWatch implements Patience {
  readonly #patience: Patience;
  #objects = 0;
  #watching = false;
  #waited = 0;
  #bytes = 0;
  /** What of it came behind the slow start. */
  #sample = { waited: 0, bytes: 0 };

  /** @param patience what there is with the line in any case */
  constructor(patience: Patience) {
    this.#patience = patience;
  }

  get complaint(): string {
    return this.#patience.complaint;
  }

  remaining(): number {
    return this.#patience.remaining();
  }

  begins(objects: number): void {
    this.#objects = objects;
    this.#watching = objects >= LARGE;
  }

  /** @throws ThinLine once, if ever */
  spent(milliseconds: number, bytes: number): void {
    this.#patience.spent(milliseconds, bytes);
    if (!this.#watching) return;
    if (this.#bytes >= SAMPLE.bytes) {
      this.#sample.waited += milliseconds;
      this.#sample.bytes += bytes;
    }
    this.#waited += milliseconds;
    this.#bytes += bytes;
    const late = this.#waited >= SAMPLE.milliseconds;
    if (this.#sample.bytes < SAMPLE.bytes && !late) return;
    this.#watching = false;
    const { waited, bytes: came } =
      this.#sample.bytes > 0 ? this.#sample : { waited: this.#waited, bytes: this.#bytes };
    const rate = came / Math.max(waited, 1);
    if (1000 * rate < GOOD_RATE && this.#objects * OBJECT >= rate * LONG) throw new ThinLine();
  }
}
