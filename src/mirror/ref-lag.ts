/**
 * How many of a repository's branches and tags a mirror does not have, or has elsewhere. Those that only the mirror has
 * do not count, nor any other refs.
 * @param own object ids by ref name, as `theirs`
 */
export function refsBehind(own: ReadonlyMap<string, string>, theirs: ReadonlyMap<string, string>): number {
  const told = [...own].filter(([name]) => /^refs\/(?:heads|tags)\//.test(name));
  return told.filter(([name, oid]) => theirs.get(name) !== oid).length;
}
