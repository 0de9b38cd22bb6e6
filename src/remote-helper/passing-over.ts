import { GamError } from '../errors.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import { redactUrl } from '../protocol/redact.ts';
import { Outpaced } from './outpaced.ts';
import type { StageTools } from './stage-order.ts';

/**
 * Keeps to what the configuration and the rules of safety say about a mirror.
 * @throws GamError `mirror-barred` for one that must not be contacted
 */
export function refuse(mirror: Mirror): void {
  if (mirror.refusal !== null) throw new GamError('mirror-barred', mirror.refusal, { tryElsewhere: true });
}

/** What the user is told of a mirror that failed: which, and why. That it failed is remembered, too. */
export function passingOver(mirror: Mirror, error: unknown, { trace, contact }: StageTools): string {
  const reason = error instanceof Error ? error.message : String(error);
  const name = mirror.refusal === null ? mirrorHost(mirror.url) : redactUrl(mirror.url);
  trace('mirror-passed-over', { site: mirror.site, reason });
  // Slow is no failure: who has been left for a faster one does not rest for it, but its rate speaks against it.
  if (error instanceof Outpaced) contact.note(mirror.url, error.seen);
  // A full disk, a rule of ours, or a user who has lost patience, is no fault of the mirror's.
  else if (
    error instanceof GamError &&
    error.tryElsewhere &&
    !['mirror-barred', 'mirror-left'].includes(error.code)
  )
    contact.note(mirror.url, error.code === 'mirror-behind' ? { kind: 'miss' } : { kind: 'failure', reason });
  return `passing over ${name}: ${reason}`;
}
