import { remember } from '../state/measures.ts';
import type { HelperContext } from './context.ts';
import type { Holding } from './hold.ts';
import type { SessionEnd } from './session.ts';

/**
 * Which share of what git wanted came from the mirror. Counted in ids, a mirror that is one commit behind on the
 * only branch has nothing; in bytes, one that has all of a small fetch has half, since canonical lists its refs.
 */
function shareOf({ staged, wanted }: Holding, fromCanonical: number): number {
  const had = wanted.filter((oid) => staged.tips.has(oid)).length;
  return Math.max(had / Math.max(wanted.length, 1), staged.bytes / Math.max(staged.bytes + fromCanonical, 1));
}

/**
 * Remembers what this run has shown of the mirrors, and of canonical: how soon it answers, and whether git
 * found anything to ask for. The last thing a helper does; it fails silently.
 */
export async function rememberSeen(
  context: HelperContext,
  { over, holding }: { over: Promise<unknown> | null; holding: Holding | null },
  end: SessionEnd,
): Promise<void> {
  const { notes, canonicalUrl, mirrors, process: own, asked, trace } = context;
  // Without a repository it was `git ls-remote`, which asks for nothing anyway.
  if (mirrors.length === 0 || own.env['GIT_DIR'] === undefined) return;
  if (holding && end.completed) {
    const { mirror, bytes } = holding.staged;
    notes.push({ url: mirror.url, seen: { kind: 'hit', share: shareOf(holding, end.bytes), bytes } });
  }
  if (end.exit.status === 0) {
    notes.push({ url: canonicalUrl, seen: { kind: 'greeting', ms: end.greeted - asked } });
    notes.push({ url: canonicalUrl, seen: over ? { kind: 'hit', share: 1, bytes: 0 } : { kind: 'miss' } });
  }
  const kept = await remember(notes, own.env);
  trace('remembered', { notes: notes.length, kept });
}
