import type { NamedOid } from './choose.ts';

/** The branch that is most likely to hold the bulk of a history: HEAD's where that is known, or one by its name. */
export function mainBranch(refs: readonly NamedOid[]): NamedOid | null {
  const head = refs.find(({ name }) => name === 'HEAD');
  const branches = refs.filter(({ name }) => name.startsWith('refs/heads/'));
  return (
    branches.find(({ oid }) => oid === head?.oid) ??
    branches.find(({ name }) => /^refs\/heads\/(?:main|master|trunk)$/.test(name)) ??
    branches[0] ??
    null
  );
}
