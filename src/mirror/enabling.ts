import type { ConfigKey } from '../config/edit.ts';
import type { ConfigEntry } from '../config/entries.ts';
import { basePatterns } from './base.ts';

/** How the URLs under a base are sent through gam: a conditional include, or a rewrite of the URL. */
export type Form = 'include' | 'rewrite';

/** One value of a config file. */
export interface Setting {
  key: ConfigKey;
  value: string;
}

const PATTERN = 'hasconfig:remote.*.url:';

/** Lets git's own `protocol.mirror` through for submodules too, which it counts as not asked by the user. */
export const ALLOW: Setting = {
  key: { section: 'protocol', subsection: 'mirror', name: 'allow' },
  value: 'always',
};

/**
 * What to write into the user's configuration for one base, next to ALLOW.
 * @param include the path of the file that holds `remote.origin.vcs = mirror`
 */
export function settingsFor(base: string, form: Form, include: string): Setting[] {
  if (form === 'rewrite') {
    return [
      { key: { section: 'url', subsection: `mirror::${base}`, name: 'insteadOf' }, value: base },
      // The identity keeps pushes, and what shows where they go, plain.
      { key: { section: 'url', subsection: base, name: 'pushInsteadOf' }, value: base },
    ];
  }
  return basePatterns(base).map((pattern) => ({
    key: { section: 'includeIf', subsection: PATTERN + pattern, name: 'path' },
    value: include,
  }));
}

/** True when a config file holds exactly this value. */
export function holds(entries: readonly ConfigEntry[], { key, value }: Setting): boolean {
  return entries.some(
    (entry) =>
      entry.section === key.section.toLowerCase() &&
      entry.subsection === key.subsection &&
      entry.name === key.name.toLowerCase() &&
      entry.value === value,
  );
}

/** The bases that the rewrites of a configuration send through gam. */
export function rewrittenBases(entries: readonly ConfigEntry[]): string[] {
  return entries.flatMap(({ section, subsection, name, value }) =>
    section === 'url' && name === 'insteadof' && value !== null && subsection === `mirror::${value}`
      ? [value]
      : [],
  );
}

/** The bases, as globs, that conditional includes of gam's file send through it, each with the file. */
export function includedBases(entries: readonly ConfigEntry[]): { pattern: string; file: string }[] {
  return entries.flatMap(({ section, subsection, name, value }) =>
    section === 'includeif' &&
    name === 'path' &&
    subsection?.startsWith(PATTERN) &&
    value?.replaceAll('\\', '/').endsWith('/gam/origin.gitconfig')
      ? [{ pattern: subsection.slice(PATTERN.length), file: value }]
      : [],
  );
}

/** Whether a conditional include of gam's file takes in the remote origin of this URL. */
export function isUnderIncluded(entries: readonly ConfigEntry[], url: string): boolean {
  return includedBases(entries).some(({ pattern }) => {
    const literal = pattern.replace(/(?:\*\/)?\*\*$/, '').replaceAll(/\\([[\]])/g, '$1');
    return url.startsWith(literal);
  });
}

/** True when any base goes through gam by this configuration. */
export function anyEnabled(entries: readonly ConfigEntry[]): boolean {
  return rewrittenBases(entries).length > 0 || includedBases(entries).length > 0;
}
