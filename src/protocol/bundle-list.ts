import { badBundle } from './bundle-header.ts';
import { printable } from './text.ts';

/** One bundle of a list. */
export interface ListedBundle {
  id: string;
  /** As written: absolute, or relative to where the list is. */
  uri: string;
  /** Grows from bundle to bundle; null where the list does not say. */
  creationToken: bigint | null;
  /** What was left out of it, as for `--filter`; null for a whole one. */
  filter: string | null;
}

/** A list of bundles (git's technical/bundle-uri). */
export interface BundleList {
  /** Whether all of them together make up the history, or each one does. */
  mode: 'all' | 'any';
  /** True when a bundle builds on those with smaller creation tokens only. */
  byToken: boolean;
  /** In the list's order. */
  bundles: ListedBundle[];
}

/** No list of this world has more; git-bundle-server folds its daily bundles together long before. */
const MOST_BUNDLES = 256;

const LARGEST_TOKEN = 2n ** 64n - 1n;

function parseToken(text: string): bigint | null {
  if (!/^[0-9]{1,20}$/.test(text)) return null;
  const token = BigInt(text);
  return token > LARGEST_TOKEN ? null : token;
}

/**
 * Reads the variables of a bundle list: `bundle.version`, `bundle.mode`, `bundle.heuristic`, `bundle.<id>.uri` and
 * so on, whether they come as a configuration file or as `key=value` lines. Names that are not known are ignored, as the
 * format wants it.
 *
 * @throws GamError `bad-bundle` for another version or mode, two URIs of one id, or more bundles than anyone has
 */
export function parseBundleList(variables: Iterable<readonly [key: string, value: string]>): BundleList {
  const general = new Map<string, string>();
  const listed = new Map<string, Map<string, string>>();
  for (const [key, value] of variables) {
    const match = /^bundle\.(?:(.*)\.)?([^.]*)$/is.exec(key);
    if (match === null) continue;
    const name = (match[2] ?? '').toLowerCase();
    const id = match[1];
    if (id === undefined) {
      general.set(name, value);
      continue;
    }
    const bundle = listed.get(id) ?? new Map<string, string>();
    if (name === 'uri' && bundle.has(name))
      throw badBundle(`is a list with two URIs for '${printable(id, 40)}'`);
    bundle.set(name, value);
    listed.set(id, bundle);
    if (listed.size > MOST_BUNDLES) throw badBundle(`is a list of more than ${MOST_BUNDLES} bundles`);
  }
  const version = general.get('version');
  if (version !== '1') throw badBundle(`is a list of version ${printable(version ?? 'none', 20)}`);
  const mode = general.get('mode');
  if (mode !== 'all' && mode !== 'any') throw badBundle(`is a list of mode ${printable(mode ?? 'none', 20)}`);
  const bundles = [...listed].flatMap(([id, bundle]): ListedBundle[] => {
    const uri = bundle.get('uri');
    const creationToken = parseToken(bundle.get('creationtoken') ?? '');
    return uri === undefined ? [] : [{ id, uri, creationToken, filter: bundle.get('filter') ?? null }];
  });
  return { mode, byToken: general.get('heuristic') === 'creationToken', bundles };
}

/** Writes the variables that parseBundleList() reads. */
export function writeBundleList({ mode, byToken, bundles }: BundleList): [key: string, value: string][] {
  return [
    ['bundle.version', '1'],
    ['bundle.mode', mode],
    ...(byToken ? [['bundle.heuristic', 'creationToken'] as [string, string]] : []),
    ...bundles.flatMap(({ id, uri, creationToken, filter }): [string, string][] => [
      [`bundle.${id}.uri`, uri],
      ...(creationToken === null
        ? []
        : [[`bundle.${id}.creationToken`, String(creationToken)] as [string, string]]),
      ...(filter === null ? [] : [[`bundle.${id}.filter`, filter] as [string, string]]),
    ]),
  ];
}
