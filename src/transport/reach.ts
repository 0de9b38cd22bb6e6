import { stat } from 'node:fs/promises';

/** How long a look may take whether somebody answers. */
export interface Reach {
  /** Milliseconds. */
  ms: number;
  signal: AbortSignal;
}

/** A folder that is not there, or whose disk or server has gone. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ESTALE', 'EIO', 'ENODEV', 'EHOSTDOWN', 'ETIMEDOUT']);

/**
 * Whether there is something at a path, be it something that must not be read. A path that leads nowhere is a
 * disk that is not mounted, as far as anyone can tell.
 *
 * @param path of a repository; git looks for it with `.git` at its end, too (gitrepository-layout(5))
 */
export async function pathAnswers(path: string): Promise<boolean> {
  const found = await Promise.all(
    [path, `${path}.git`].map((one) => stat(one).catch((error: unknown) => error)),
  );
  return found.some((one) => !(one instanceof Error && GONE.has((one as NodeJS.ErrnoException).code ?? '')));
}
