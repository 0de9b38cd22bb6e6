import { GamError } from '../errors.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import { redactUrl } from '../protocol/redact.ts';
import type { Trace } from '../trace/trace.ts';

/**
 * Keeps to what the configuration and the rules of safety say about a mirror.
 * @throws GamError `mirror-unusable` for one that must not be contacted
 */
export function refuse(mirror: Mirror): void {
  if (mirror.refusal !== null) throw new GamError('mirror-unusable', mirror.refusal, { tryElsewhere: true });
}

/** What the user is told of a mirror that failed: which, and why. */
export function passingOver(mirror: Mirror, error: unknown, trace: Trace): string {
  const reason = error instanceof Error ? error.message : String(error);
  const name = mirror.refusal === null ? mirrorHost(mirror.url) : redactUrl(mirror.url);
  trace('mirror-passed-over', { site: mirror.site, reason });
  return `passing over ${name}: ${reason}`;
}
