import { writeLocation } from './location.ts';
import { badMirrorList, type MirrorList, parseMirrorList } from './mirror-list.ts';

type Variable = [key: string, value: string];

function objectOf(value: unknown): Readonly<Record<string, unknown>> | null {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? Object.fromEntries(Object.entries(value)) : null;
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw badMirrorList(`has '${name}' that is no array`);
  return value;
}

// What is neither is left out, as a value that cannot be read is in a list of lines.
function variable(key: string, value: unknown): Variable[] {
  return typeof value === 'string' || typeof value === 'number' ? [[key, String(value)]] : [];
}

function mirrorVariables(value: unknown): Variable[] {
  const mirror = objectOf(value);
  if (mirror === null || typeof mirror['id'] !== 'string') throw badMirrorList('has a mirror without an id');
  const { id } = mirror;
  return ['url', 'location', 'priority'].flatMap((name) => variable(`mirror.${id}.${name}`, mirror[name]));
}

/**
 * Reads a mirror list from the JSON at `<repository>/info/mirrors`. The same holds for it as for the lines of protocol v2: names
 * that are not known are ignored, and values that cannot be read.
 * @throws GamError `bad-mirror-list` for what is no JSON or no list, and where parseMirrorList() does
 */
export function parseMirrorListJson(text: string): MirrorList {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw badMirrorList('is no JSON');
  }
  const list = objectOf(value);
  if (list === null) throw badMirrorList('is no object of JSON');
  return parseMirrorList([
    ...['version', 'more', 'prefer', 'ttl', 'state', 'successor', 'stale'].flatMap((name) =>
      variable(`mirror.${name}`, list[name]),
    ),
    ...listOf(list['canonical'], 'canonical').flatMap((url) => variable('mirror.canonical', url)),
    ...listOf(list['mirrors'], 'mirrors').flatMap(mirrorVariables),
  ]);
}

/** Writes what parseMirrorListJson() reads; what is not known is null. Only of a server that is stale is said for how long. */
export function writeMirrorListJson({ canonical, mirrors, stale, ...about }: MirrorList): string {
  const listed = mirrors.map(({ id, url, location, priority }) => ({
    id,
    url,
    location: location && writeLocation(location),
    priority,
  }));
  const list = { version: 1, canonical, mirrors: listed, ...about, ...(stale === null ? {} : { stale }) };
  return `${JSON.stringify(list, null, 2)}\n`;
}
