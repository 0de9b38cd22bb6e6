/** What mirrors had when canonical could not be reached. */
export interface Unverified {
  /** How many refs were written under refs/mirror/. */
  refs: number;
  /** Whose they are. */
  hosts: readonly string[];
  /** Mirrors that answered and had nothing that is not here. */
  idle: readonly string[];
}

/** What is wrong, in the user's words. */
export const DOWN = 'canonical cannot be reached';

function kept(refs: number, whose: string): string {
  const [count, are] = refs === 1 ? ['1 ref', 'is'] : [`${refs} refs`, 'are'];
  return `; ${count} of ${whose} ${are} kept unverified (gam status)`;
}

/**
 * What the user is told of a fetch for which canonical could not be reached.
 * @param left how many refs of earlier fetches are unverified
 */
export function downLine({ refs, hosts, idle }: Unverified, left: number): string {
  if (refs > 0) return `${DOWN}${kept(refs, hosts.join(' and '))}`;
  const have = idle.length === 1 ? 'has' : 'have';
  const found = idle.length === 0 ? 'no mirror could help' : `${idle.join(' and ')} ${have} nothing new`;
  return `${DOWN}, and ${found}${left === 0 ? '' : kept(left, 'earlier fetches')}`;
}
