import { GamError } from '../errors.ts';
import { type Location, parseLocation, writeLocation } from './location.ts';
import { printable } from './text.ts';

/** What becomes of a server: it goes on, is on its way out, takes no more fetches, or lives elsewhere now. */
export type ServerState = 'current' | 'deprecated' | 'refusing' | 'moved';

/** For how long a client is asked to try mirrors before canonical: this once, or from now on. */
export type Preference = 'temporary' | 'permanent';

/** A mirror as a server names it. Nothing of it has been judged. */
export interface OfferedMirror {
  id: string;
  url: string;
  location: Location | null;
  /** 0 to 100, lower first; null where the list does not say, which counts as USUAL_PRIORITY. */
  priority: number | null;
}

/** What a server says of its mirrors, and of itself. */
export interface MirrorList {
  /** The URLs under which the repository is canonical there. */
  canonical: string[];
  /** In the list's order. */
  mirrors: OfferedMirror[];
  /** How many mirrors the server knows that come after these. */
  more: number;
  prefer: Preference | null;
  /** For how many seconds the list is good; null where it does not say. */
  ttl: number | null;
  state: ServerState;
  /** Where a server that has moved lives now. */
  successor: string | null;
  /**
   * A server that is itself a mirror, and cannot ask canonical now: how many seconds ago that has last confirmed what is here. Null where
   * the list does not say.
   */
  stale: number | null;
}

/** The priority of a mirror of which none is said: others can be put before it and behind it. */
export const USUAL_PRIORITY = 50;
/** That of a mirror which comes behind all others. */
export const LAST_PRIORITY = 100;

/** The most mirrors, and the most canonical URLs, that one list may hold. */
export const MOST_LISTED = 1024;

/** The longest id and the longest URL, in characters. */
export const LONGEST = { id: 64, url: 2048 };

/** Twelve weeks, in seconds. A list that claims to be good for longer is asked for again all the same. */
export const LONGEST_TTL = 12 * 7 * 24 * 3600;

/** What a list may say of the server's state. */
export const STATES: readonly ServerState[] = ['current', 'deprecated', 'refusing', 'moved'];
/** What a list may ask of a client. */
export const PREFERENCES: readonly Preference[] = ['temporary', 'permanent'];

/** The error of a list that is none. */
export function badMirrorList(why: string): GamError {
  return new GamError('bad-mirror-list', `its mirror list ${why}`, { tryElsewhere: true });
}

/** Reads a whole number without a sign, at most `most`; null for anything else. */
export function parseNumber(text: string | undefined, most: number): number | null {
  if (text === undefined || !/^[0-9]{1,20}$/.test(text)) return null;
  return Math.min(Number(text), most);
}

/** Reads a mirror's priority, 0 to 100; null for anything else. */
export function parsePriority(text: string | undefined): number | null {
  const priority = parseNumber(text, Number.MAX_SAFE_INTEGER);
  return priority !== null && priority <= LAST_PRIORITY ? priority : null;
}

function word<T extends string>(words: readonly T[], text: string | undefined): T | null {
  return words.find((one) => one === text) ?? null;
}

function needUrl(url: string): string {
  if (url === '' || url.length > LONGEST.url) throw badMirrorList('has a URL that is none');
  return url;
}

/** The variables of one list, sorted into those of the server and those of each mirror. */
class Variables {
  readonly canonical: string[] = [];
  readonly general = new Map<string, string>();
  readonly mirrors = new Map<string, Map<string, string>>();

  add(key: string, value: string): void {
    const [, id, name] = /^mirror\.(?:(.*)\.)?([^.]*)$/is.exec(key) ?? [];
    if (name === undefined) return;
    const variable = name.toLowerCase();
    if (id !== undefined) this.#addToMirror(id, variable, value);
    else if (variable !== 'canonical') this.general.set(variable, value);
    else if (this.canonical.push(needUrl(value)) > MOST_LISTED)
      throw badMirrorList(`has more than ${MOST_LISTED} canonical URLs`);
  }

  #addToMirror(id: string, variable: string, value: string): void {
    if (id === '' || id.length > LONGEST.id) throw badMirrorList('has an id that is none');
    const mirror = this.mirrors.get(id) ?? new Map<string, string>();
    if (variable === 'url' && mirror.has(variable))
      throw badMirrorList(`has two URLs for '${printable(id)}'`);
    mirror.set(variable, value);
    this.mirrors.set(id, mirror);
    if (this.mirrors.size > MOST_LISTED) throw badMirrorList(`has more than ${MOST_LISTED} mirrors`);
  }
}

/**
 * Reads the variables of a mirror list, `mirror.version`, `mirror.<id>.url` and so on, whether they come as the lines of an
 * answer or as a configuration file. Names that are not known are ignored, so that lists can grow; so are values that
 * cannot be read, and mirrors without a URL.
 *
 * @throws GamError `bad-mirror-list` for another version, two URLs of one id, or more of anything than a list may hold
 */
export function parseMirrorList(variables: Iterable<readonly [key: string, value: string]>): MirrorList {
  const sorted = new Variables();
  for (const [key, value] of variables) sorted.add(key, value);
  const { general, canonical, mirrors } = sorted;
  const version = general.get('version');
  if (version !== '1') throw badMirrorList(`is of version ${printable(version ?? 'none', 20)}`);
  return {
    canonical,
    mirrors: [...mirrors].flatMap(([id, mirror]): OfferedMirror[] => {
      const url = mirror.get('url');
      const location = parseLocation(mirror.get('location') ?? '');
      const priority = parsePriority(mirror.get('priority'));
      return url === undefined ? [] : [{ id, url: needUrl(url), location, priority }];
    }),
    more: parseNumber(general.get('more'), Number.MAX_SAFE_INTEGER) ?? 0,
    prefer: word(PREFERENCES, general.get('prefer')),
    ttl: parseNumber(general.get('ttl'), LONGEST_TTL),
    state: word(STATES, general.get('state')) ?? 'current',
    successor: general.get('successor') || null,
    stale: parseNumber(general.get('stale'), Number.MAX_SAFE_INTEGER),
  };
}

/** Writes the variables that parseMirrorList() reads. */
export function writeMirrorList(list: MirrorList): [key: string, value: string][] {
  const variables: [string, string | null][] = [
    ['mirror.version', '1'],
    ...list.canonical.map((url): [string, string] => ['mirror.canonical', url]),
    ...list.mirrors.flatMap(({ id, url, location, priority }): [string, string | null][] => [
      [`mirror.${id}.url`, url],
      [`mirror.${id}.location`, location && writeLocation(location)],
      [`mirror.${id}.priority`, priority === null ? null : String(priority)],
    ]),
    ['mirror.more', String(list.more)],
    ['mirror.prefer', list.prefer],
    ['mirror.ttl', list.ttl === null ? null : String(list.ttl)],
    ['mirror.state', list.state === 'current' ? null : list.state],
    ['mirror.successor', list.successor],
    ['mirror.stale', list.stale === null ? null : String(list.stale)],
  ];
  return variables.flatMap(([key, value]): [string, string][] => (value === null ? [] : [[key, value]]));
}
