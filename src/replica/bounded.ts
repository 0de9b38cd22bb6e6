/** What is thrown when nothing came in time. */
export class NoAnswer extends Error {
  constructor() {
    super('no answer');
    this.name = 'NoAnswer';
  }
}

/**
 * Waits for something for so many milliseconds, by the steady clock, and no longer than a signal allows. What comes of it
 * behind that is dropped: whoever has begun it ends it.
 *
 * @throws NoAnswer
 */
export function bounded<T>(work: Promise<T>, ms: number, signal?: AbortSignal): Promise<T> {
  let stop: () => void = () => undefined;
  const none = new Promise<never>((_, reject) => {
    const giveUp = () => reject(new NoAnswer());
    const timer = setTimeout(giveUp, ms);
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted) giveUp();
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    };
  });
  return Promise.race([work, none]).finally(() => stop());
}
