/**
 * Has something read anew for whoever asks, though once for all who ask while a reading is under way: they get the next one, since the
 * one that has begun may show what was before they asked.
 */
export function readings<T>(read: () => Promise<T>): () => Promise<T> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<T> | null = null;
  return () => {
    next ??= running.then(() => {
      next = null;
      const reading = read();
      running = reading.catch(() => undefined);
      return reading;
    });
    return next;
  };
}
