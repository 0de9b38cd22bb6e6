import type { ConfigEntry } from '../config/entries.ts';

/** One ref under `refs/mirror/<site>/`. */
export interface StagedRef {
  name: string;
  oid: string;
  /** The commit an annotated tag leads to; the same as `oid` for anything else. */
  peeled: string;
  site: string;
}

/** The namespace that is gam's; nothing else under refs/ is ever written by its client. */
export const MIRROR_NAMESPACE = 'refs/mirror/';

/**
 * Reads `git for-each-ref` lines of the form `<refname> <objectname> <peeled objectname or nothing>`.
 * Refs with fewer parts than `refs/mirror/<site>/<rest>` are not gam's and are left alone.
 */
export function parseStagedRefs(output: string): StagedRef[] {
  return output.split('\n').flatMap((line) => {
    const [name = '', oid = '', peeled = ''] = line.split(' ');
    const [site, rest] = name.slice(MIRROR_NAMESPACE.length).split('/', 2);
    if (!name.startsWith(MIRROR_NAMESPACE) || !site || !rest || oid === '') return [];
    return [{ name, oid, peeled: peeled === '' ? oid : peeled, site }];
  });
}

/**
 * Decides what to sweep: a staged ref goes when the revision walk found its tip uninteresting, that is,
 * reachable from a real ref.
 *
 * @param interesting the commits the walk printed: reachable from staged refs, from no real ref
 */
export function splitSwept(
  staged: readonly StagedRef[],
  interesting: ReadonlySet<string>,
): { gone: StagedRef[]; left: StagedRef[] } {
  return {
    gone: staged.filter((ref) => !interesting.has(ref.peeled)),
    left: staged.filter((ref) => interesting.has(ref.peeled)),
  };
}

/**
 * Whether some remote's fetch writes under refs/mirror/ itself, as `+refs/*:refs/*` of a mirror clone does where
 * canonical has such refs (a user's clone that is served). Then only what this run staged is gam's to delete.
 */
export function fetchesMirrorRefs(entries: readonly ConfigEntry[]): boolean {
  return entries.some((e) => {
    if (e.section !== 'remote' || e.name !== 'fetch') return false;
    const to = e.value?.split(':')[1] ?? '';
    return to.startsWith(MIRROR_NAMESPACE) || /^refs\/(?:m(?:i(?:r(?:r(?:or?)?)?)?)?)?\*/.test(to);
  });
}
