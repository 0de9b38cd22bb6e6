import type { StagedRef } from './staged.ts';
import { MIRROR_NAMESPACE } from './staged.ts';

/** What is staged under one site and not confirmed by canonical. */
export interface UnverifiedSite {
  /** The remote that has this mirror; null when none has it any more. */
  remote: string | null;
  site: string;
  heads: number;
  tags: number;
  refs: string[];
}

/** Groups unverified refs by site, in the order of the refs. */
export function groupBySite(
  left: readonly StagedRef[],
  remoteOf: ReadonlyMap<string, string>,
): UnverifiedSite[] {
  return [...new Set(left.map((ref) => ref.site))].map((site) => {
    const refs = left.filter((ref) => ref.site === site).map((ref) => ref.name);
    const under = (part: string) =>
      refs.filter((name) => name.startsWith(`${MIRROR_NAMESPACE}${site}/${part}/`)).length;
    return { remote: remoteOf.get(site) ?? null, site, heads: under('heads'), tags: under('tags'), refs };
  });
}
