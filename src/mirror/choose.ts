import { MIRROR_NAMESPACE } from './staged.ts';

/** A ref and the object it names. */
export interface NamedOid {
  name: string;
  oid: string;
}

/** What a mirror has of the refs that are wanted from canonical. */
export interface Choice {
  /** Refs that stand at the same object on both sides. */
  exact: NamedOid[];
  /** Branches that the mirror has at another object, with the mirror's: older, newer or diverged. */
  differing: NamedOid[];
  /** True when the mirror has tags of canonical's names, and not one of them is canonical's. */
  foreign: boolean;
}

/**
 * Compares what git wants with what a mirror advertises. A tag that differs is never taken: tags do not
 * move, so the mirror's is somebody else's.
 *
 * @param wanted canonical's refs whose objects git asked for
 * @param offered the mirror's refs by name
 */
export function chooseRefs(wanted: readonly NamedOid[], offered: ReadonlyMap<string, string>): Choice {
  const exact: NamedOid[] = [];
  const differing: NamedOid[] = [];
  let otherTags = 0;
  for (const { name, oid } of wanted) {
    const theirs = offered.get(name);
    if (theirs === undefined) continue;
    if (theirs === oid) exact.push({ name, oid });
    else if (name.startsWith('refs/tags/')) otherTags += 1;
    else differing.push({ name, oid: theirs });
  }
  return {
    exact,
    differing,
    foreign: otherTags > 0 && !exact.some(({ name }) => name.startsWith('refs/tags/')),
  };
}

const CLONED = /^(?:HEAD$|refs\/heads\/|refs\/tags\/)/;

/**
 * Whether what a mirror offered before git had said what it wants is no more than that: each branch is wanted,
 * wherever the mirror has it, and each tag at this very object. And whether git wants nothing of which the mirror
 * was not asked, as `git clone --mirror` does.
 *
 * @param offered the mirror's branches and tags, all of them; HEAD besides counts for nothing, since it is one of these
 * @param wanted canonical's refs whose objects git asked for
 */
export function isWithinWanted(offered: readonly NamedOid[], wanted: readonly NamedOid[]): boolean {
  const oids = new Map(wanted.map(({ name, oid }) => [name, oid]));
  const fits = ({ name, oid }: NamedOid) =>
    name === 'HEAD' || (name.startsWith('refs/tags/') ? oids.get(name) === oid : oids.has(name));
  return offered.every(fits) && wanted.every(({ name }) => CLONED.test(name));
}

/**
 * Where a ref is staged: `refs/heads/main` at `refs/mirror/<site>/heads/main`.
 * @returns null for HEAD, which is never staged, and for refs of gam's own namespace
 */
export function stagedName(name: string, site: string): string | null {
  if (!name.startsWith('refs/') || name.startsWith(MIRROR_NAMESPACE)) return null;
  return `${MIRROR_NAMESPACE}${site}/${name.slice('refs/'.length)}`;
}
