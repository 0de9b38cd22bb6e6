import type { WantedRef } from '../git/fetch-pack.ts';
import { checkpoints } from '../mirror/checkpoints.ts';
import { type Haul, haulPart, type Source } from './haul.ts';
import { ThinLine, ThinWatch } from './thin-line.ts';

/** A mirror whose first answer takes so long is far, and its line may be thin: milliseconds. */
const FAR = 60;

/**
 * Adds refs of a mirror to a haul, with everything they lead to; in parts where gam.checkpoints says so. With `auto`
 * that shows only when much is on its way over a line that turns out thin: then it is begun anew, so that a good line
 * never pays for it. What is added stays, also when a later part fails: the next mirror then goes on from there.
 *
 * @throws GamError with `tryElsewhere` when the mirror refuses, breaks off, or sends a history with holes
 */
export async function haulRefs(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  const { checkpoints: when } = source.tools.contact.settings;
  if (when === 'always') return haulInParts(refs, haul, source);
  if (when === 'never' || source.line.latency <= FAR) return haulPart(refs, haul, source);
  try {
    await haulPart(refs, haul, { ...source, patience: new ThinWatch(source.patience) });
  } catch (error) {
    if (!(error instanceof ThinLine)) throw error;
    source.tools.trace('thin-line', { site: source.mirror.site });
    await haulInParts(refs, haul, { ...source, line: await source.reopen() });
  }
}

async function haulInParts(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  const { trace } = source.tools;
  const parts = checkpoints(refs);
  for (const [index, part] of parts.entries()) {
    await haulPart(part, haul, source);
    if (index < parts.length - 1) trace('checkpoint', { left: parts.length - 1 - index });
  }
}
