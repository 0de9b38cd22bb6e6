/** Called after each go, with how many events came at that one for the whole process. */
type Turn = (count: number) => void;

// All that node watches in a process waits in one queue of inotify's: a folder's flood may push out what another has to tell.
const turns = new Set<Turn>();
let count = 0;

/** Has a function called after each go at the queue, until the returned one is. */
export function afterEachGo(turn: Turn): () => void {
  turns.add(turn);
  return () => turns.delete(turn);
}

/** Counts an event. Whatever waits in the kernel is read at one go, before the loop turns. */
export function countEvent(): void {
  if (count++ > 0) return;
  setImmediate(() => {
    const heard = count;
    count = 0;
    for (const turn of turns) turn(heard);
  });
}
