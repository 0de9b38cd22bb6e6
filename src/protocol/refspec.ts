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

// What a name is on the other side of a refspec whose pattern it matches.
function mapped(name: string, from: string, to: string): string {
  const star = from.indexOf('*');
  if (star < 0) return to;
  const stem = name.slice(star, name.length - (from.length - star - 1));
  return to.replace('*', () => stem);
}

/**
 * The refs here in which a fetch by these refspecs stores a ref of the remote (git-fetch(1), "refspec").
 * @param refspecs the values of `remote.<name>.fetch`
 */
export function storedAs(name: string, refspecs: readonly string[]): string[] {
  if (!isFetched(name, refspecs)) return [];
  return refspecs.flatMap((spec) => {
    const [source = '', target = ''] = spec.replace(/^\+/, '').split(':', 2);
    return target !== '' && matches(source, name) ? [mapped(name, source, target)] : [];
  });
}

/**
 * The ref of a remote that a ref here was fetched from: a fetch refspec, reversed. Of several that fit the first counts, as for
 * git (remote.c, `query_refspecs()`), and what a refspec with a `^` takes out was never fetched. Refspecs whose source is no
 * full name, and those that store nothing, are passed over.
 *
 * @param refspecs the values of `remote.<name>.fetch`
 * @returns null where no refspec leads to it
 */
export function fetchedFrom(name: string, refspecs: readonly string[]): string | null {
  for (const spec of refspecs) {
    if (spec.startsWith('^')) continue;
    const [source = '', target = ''] = spec.replace(/^\+/, '').split(':', 2);
    // git refuses a pattern on one side alone.
    const fits = source.startsWith('refs/') && target !== '' && source.includes('*') === target.includes('*');
    if (!fits || !matches(target, name)) continue;
    const found = mapped(name, target, source);
    return isFetched(found, refspecs) ? found : null;
  }
  return null;
}
