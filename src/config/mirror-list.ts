import { isAbsolute } from 'node:path';
import { type Location, parseLocation } from '../protocol/location.ts';
import {
  LONGEST,
  LONGEST_TTL,
  MOST_LISTED,
  PREFERENCES,
  type Preference,
  parsePriority,
  type ServerState,
  STATES,
} from '../protocol/mirror-list.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { allValues, type ConfigEntry, lastValue, parseBoolean } from './entries.ts';
import { parseCount, parseDuration } from './quantity.ts';

/** How a server orders the mirrors of its list. */
export type ListPolicy = 'fixed' | 'random' | 'geoip';

/** What an administrator says of a mirror: it is told, told behind all others, or not told. */
export type MirrorState = 'current' | 'deprecated' | 'refusing';

/** A mirror that a repository's configuration lists. */
export interface ListedMirror {
  id: string;
  url: string;
  location: Location | null;
  /** 0 to 100, lower first; null where nothing is said. */
  priority: number | null;
  /** Its share of random draws, in proportion to that of others; 0 comes last. */
  weight: number;
  state: MirrorState;
}

/** The `mirrorList.*` settings of a served repository. */
export interface ListSettings {
  enabled: boolean;
  policy: ListPolicy;
  /** How many mirrors one answer names. */
  limit: number;
  prefer: Preference | null;
  /** For how many seconds an answer is good. */
  ttl: number;
  canonical: string[];
  state: ServerState;
  successor: string | null;
  /** A folder of geoip-lite's data; null: that which it brings along. */
  geoData: string | null;
  /** In the order of the configuration. */
  mirrors: ListedMirror[];
}

/** A mirror's weight where nothing is said, and the largest that can be. */
const WEIGHT = { default: 1, most: 1_000_000 };

const DEFAULTS = { policy: 'fixed', limit: 10, ttl: 24 * 3600, state: 'current' } as const;

const MIRROR_STATES: readonly MirrorState[] = ['current', 'deprecated', 'refusing'];

const POLICIES: readonly ListPolicy[] = ['fixed', 'random', 'geoip'];

function oneOf<T extends string>(words: readonly T[]): (text: string) => T | undefined {
  return (text) => words.find((word) => word === text.toLowerCase());
}

function parseLimit(text: string): number | undefined {
  const count = parseCount(text);
  return count !== undefined && count <= MOST_LISTED ? count : undefined;
}

function parseTtl(text: string): number | undefined {
  const seconds = Math.round((parseDuration(text) ?? Number.NaN) / 1000);
  return seconds <= LONGEST_TTL ? seconds : undefined;
}

function parseWeight(text: string): number | undefined {
  return /^\s*[0-9]{1,7}\s*$/.test(text) && Number(text) <= WEIGHT.most ? Number(text) : undefined;
}

// What goes out is one line of a packet, and is told to everybody who asks: no password may be in it.
function parseListedUrl(text: string): string | undefined {
  if (text === '' || text.length > LONGEST.url || printable(text, LONGEST.url) !== text) return undefined;
  return /^[a-z0-9+.-]+:\/\/[^/?#]*:[^/?#]*@/i.test(text) ? undefined : text;
}

// Of a line of the list, what stands before the first `=` is the key.
function isListedId(id: string): boolean {
  return /^[^=]+$/.test(id) && id.length <= LONGEST.id && printable(id, LONGEST.id) === id;
}

/** Reads values, and collects a warning for each that cannot be read. */
class Reader {
  readonly warnings: string[] = [];
  readonly #entries: readonly ConfigEntry[];

  constructor(entries: readonly ConfigEntry[]) {
    this.#entries = entries;
  }

  warn(key: string, text: string, instead: string): void {
    this.warnings.push(`cannot read ${printable(key)}=${printable(redactText(text))}; ${instead}`);
  }

  value<T>(name: string, parse: (text: string) => T | undefined, id: string | null = null): T | undefined {
    const text = lastValue(this.#entries, 'mirrorlist', id, name.toLowerCase());
    const value = text === undefined ? undefined : parse(text);
    if (text !== undefined && value === undefined)
      this.warn(`mirrorList.${id === null ? '' : `${id}.`}${name}`, text, 'using the default');
    return value;
  }

  canonical(): string[] {
    const urls = allValues(this.#entries, 'mirrorlist', null, 'canonical').filter((text) => {
      if (parseListedUrl(text) !== undefined) return true;
      this.warn('mirrorList.canonical', text, 'leaving it out');
      return false;
    });
    return [...new Set(urls)];
  }

  mirror(id: string): ListedMirror[] {
    const text = lastValue(this.#entries, 'mirrorlist', id, 'url') ?? '';
    const url = isListedId(id) ? parseListedUrl(text) : undefined;
    if (url === undefined) {
      this.warn(`mirrorList.${id}.url`, text, 'leaving this mirror out');
      return [];
    }
    return [
      {
        id,
        url,
        location: this.value('location', (place) => parseLocation(place) ?? undefined, id) ?? null,
        priority: this.value('priority', (number) => parsePriority(number.trim()) ?? undefined, id) ?? null,
        weight: this.value('weight', parseWeight, id) ?? WEIGHT.default,
        state: this.value('state', oneOf(MIRROR_STATES), id) ?? 'current',
      },
    ];
  }

  mirrors(): ListedMirror[] {
    const listed = this.#entries.filter(({ section }) => section === 'mirrorlist');
    const ids = new Set(listed.flatMap(({ subsection }) => subsection ?? []));
    return [...ids].flatMap((id) => this.mirror(id));
  }
}

/**
 * Takes the `mirrorList.*` settings out of the configuration of a served repository. A value that cannot be read leaves
 * the default, and adds a warning that names key and value. A mirror without a URL, one with a password in it, or
 * with an id that no list may hold, is left out with a warning.
 */
export function readMirrorList(entries: readonly ConfigEntry[]): {
  settings: ListSettings;
  warnings: string[];
} {
  const reader = new Reader(entries);
  const settings: ListSettings = {
    enabled: reader.value('enabled', parseBoolean) ?? false,
    policy: reader.value('policy', oneOf(POLICIES)) ?? DEFAULTS.policy,
    limit: reader.value('limit', parseLimit) ?? DEFAULTS.limit,
    prefer: reader.value('prefer', oneOf(PREFERENCES)) ?? null,
    ttl: reader.value('ttl', parseTtl) ?? DEFAULTS.ttl,
    canonical: reader.canonical(),
    state: reader.value('state', oneOf(STATES)) ?? DEFAULTS.state,
    successor: reader.value('successor', parseListedUrl) ?? null,
    geoData: reader.value('geoData', (text) => (isAbsolute(text) ? text : undefined)) ?? null,
    mirrors: reader.mirrors(),
  };
  return { settings, warnings: reader.warnings };
}
