import { GamError } from '../errors.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import type { MirrorContact } from '../transport/mirror-line.ts';

/** Who hears of a mirror that is in hand, or no more. */
export interface HandEvents {
  /** Called with true when a mirror begins to send, with false when it is through. */
  holds: (something: boolean) => void;
  /** Called when a mirror breaks off, or is left. */
  broke: () => void;
  /** Tells the user a line. */
  tell: (message: string) => void;
}

/**
 * The mirror that sends now. Whoever has lost patience with it can have it left: it counts as one that broke off,
 * and the next one, or canonical, goes on from what it brought whole.
 */
export class Hand {
  readonly #events: HandEvents;
  #mirror: Mirror | null = null;
  #left = new AbortController();

  constructor(events: HandEvents) {
    this.#events = events;
  }

  /**
   * Works with a mirror, which may be left meanwhile.
   * @param work gets the tools with a signal that ends it then, too; lines that were opened before must be closed by it
   * @throws GamError `mirror-left` when it was left before the work was done
   */
  async hold<Tools extends { contact: MirrorContact }, T>(
    mirror: Mirror,
    tools: Tools,
    work: (tools: Tools) => Promise<T>,
  ): Promise<T> {
    const { contact } = tools;
    const left = new AbortController();
    this.#mirror = mirror;
    this.#left = left;
    this.#events.holds(true);
    try {
      const signal = AbortSignal.any([contact.signal, left.signal]);
      return await work({ ...tools, contact: { ...contact, signal } });
    } catch (error) {
      if (!contact.signal.aborted) this.#events.broke();
      if (!left.signal.aborted || contact.signal.aborted) throw error;
      throw new GamError('mirror-left', 'left by Ctrl-C', { tryElsewhere: true, cause: error });
    } finally {
      this.#mirror = null;
      this.#events.holds(false);
    }
  }

  /** Leaves the mirror in hand; nothing happens when there is none. */
  leave(): void {
    if (this.#mirror === null || this.#left.signal.aborted) return;
    this.#events.tell(`leaving ${mirrorHost(this.#mirror.url)}; Ctrl-C again within 2 s stops`);
    this.#left.abort();
  }
}
