/**
 * Whether a server does not show a ref (git-config(1), `transfer.hideRefs`): a pattern hides the ref of its name and all below it,
 * one with a `!` shows them again, and the last that fits counts.
 *
 * @param patterns the values of `transfer.hideRefs` and `uploadpack.hideRefs`, in the order of the configuration
 */
export function isHidden(name: string, patterns: readonly string[]): boolean {
  for (const pattern of patterns.toReversed()) {
    const shows = pattern.startsWith('!');
    // `^` is for names before a namespace is taken off, and there is none here.
    const prefix = pattern.replace(/^!/, '').replace(/^\^/, '').replace(/\/+$/, '');
    if (name === prefix || name.startsWith(`${prefix}/`)) return !shows;
  }
  return false;
}
