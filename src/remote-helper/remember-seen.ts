import { measuredUrl } from '../state/addresses.ts';
import { remember } from '../state/measures.ts';
import type { HelperContext } from './context.ts';
import type { Holding } from './hold.ts';
import type { Routed } from './route-to-mirror.ts';
import type { SessionEnd } from './session-events.ts';

/** What came of git's request. */
interface Held {
  over: Promise<unknown> | null;
  /** Whether nothing was here before; then there is always something new, and no habit shows. */
  clone: boolean;
  holding: Holding | null;
  routed: Routed | null;
}

/**
 * Which share of what git wanted came from a mirror. Counted in ids, a mirror that is one commit behind on the
 * only branch has nothing; in bytes, one that has all of a small fetch has half, since canonical lists its refs.
 * Where one went on from what another had brought, only bytes tell them apart.
 */
function shareOf({ staged, wanted }: Holding, bytes: number, fromCanonical: number): number {
  const all = [...staged.sources.values()].reduce((sum, one) => sum + one, fromCanonical);
  const had = wanted.filter((oid) => staged.known.tips.has(oid)).length;
  const named = staged.sources.size === 1 ? had / Math.max(wanted.length, 1) : 0;
  return Math.max(named, bytes / Math.max(all, 1));
}

/**
 * Remembers what this run has shown of the mirrors, and of canonical: how soon it answers, and whether git
 * found anything to ask for. The last thing a helper does; it fails silently.
 */
export async function rememberSeen(
  context: HelperContext,
  { over, clone, holding, routed }: Held,
  end: SessionEnd,
): Promise<void> {
  const { addresses, notes, canonicalUrl, mirrors, process: own, asked, deferred, trace } = context;
  // Without a repository it was `git ls-remote`, which asks for nothing anyway.
  if (mirrors.length === 0 || own.env['GIT_DIR'] === undefined) return;
  if (holding && end.completed) {
    for (const [mirror, bytes] of holding.staged.sources) {
      const share = shareOf(holding, bytes, end.bytes);
      notes.push({ url: mirror.url, seen: { kind: 'hit', share, bytes } });
    }
  }
  if (routed && end.completed) {
    const { mirror, bytes } = routed;
    notes.push({ url: mirror.url, seen: { kind: 'hit', share: 1, bytes } });
  }
  if (end.exit.status === 0 && !deferred) {
    notes.push({ url: canonicalUrl, seen: { kind: 'greeting', ms: end.greeted - asked } });
    if (!clone)
      notes.push({ url: canonicalUrl, seen: over ? { kind: 'hit', share: 1, bytes: 0 } : { kind: 'miss' } });
  }
  const placed = notes.map(({ url, seen }) => ({ url: measuredUrl(addresses, url), seen }));
  const kept = await remember(placed, own.env);
  trace('remembered', { notes: notes.length, kept });
}
