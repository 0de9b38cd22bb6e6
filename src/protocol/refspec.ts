/** What a refspec's `*` stands for is anything, a part of a name too. */
function matches(source: string, name: string): boolean {
  const star = source.indexOf('*');
  if (star < 0) return name === source;
  const [before, after] = [source.slice(0, star), source.slice(star + 1)];
  return name.length >= before.length + after.length && name.startsWith(before) && name.endsWith(after);
}

/**
 * Whether a fetch by these refspecs brings a ref of this name (git-fetch(1), "refspec"): one names it, and none
 * with a `^` takes it out again. Sources that are no full names are passed over.
 *
 * @param refspecs the values of `remote.<name>.fetch`
 */
export function isFetched(name: string, refspecs: readonly string[]): boolean {
  const named = refspecs
    .filter((spec) => !spec.startsWith('^'))
    .map((spec) => spec.replace(/^\+/, '').split(':')[0] ?? '');
  const excluded = refspecs.filter((spec) => spec.startsWith('^')).map((spec) => spec.slice(1));
  const within = (sources: readonly string[]) =>
    sources.some((source) => source.startsWith('refs/') && matches(source, name));
  return within(named) && !within(excluded);
}
