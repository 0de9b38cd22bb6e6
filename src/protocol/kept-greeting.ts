import { type Advertisement, parseAdvertisement, writeAdvertisement } from './advertisement.ts';

/** The first line; what another version of gam wrote in another way is not read. */
const FORMAT = 'gam-greeting 1';
const END = 'end';

/**
 * What may be kept of a greeting: how git is to word its requests. Not what would have it do more than that, such as fetch
 * parts of a pack from URLs, or take promisors over.
 */
const WORDING = new Set(['agent', 'ls-refs', 'fetch', 'server-option', 'object-format', 'object-info']);
const FETCH_WORDING = new Set(['shallow', 'wait-for-done', 'filter', 'ref-in-want']);

/** Takes out of a greeting all that is more than a matter of wording. */
export function wordingOf({ capabilities }: Advertisement): Advertisement {
  const kept = [...capabilities].filter(([name]) => WORDING.has(name));
  const features = (value: string | null) =>
    (value ?? '')
      .split(' ')
      .filter((feature) => FETCH_WORDING.has(feature))
      .join(' ');
  return {
    capabilities: new Map(
      kept.map(([name, value]) => [name, name === 'fetch' ? features(value) || null : value]),
    ),
  };
}

/** Writes what parseKeptGreeting() reads: a line each for the format, the server's URL and the greeting's own, and `end`. */
export function writeKeptGreeting(url: string, greeting: Advertisement): string {
  return `${[FORMAT, url, ...writeAdvertisement(wordingOf(greeting)), END].join('\n')}\n`;
}

/**
 * Reads a greeting that was kept.
 * @returns null for another server's, for one that is cut or damaged, and for one without filters
 */
export function parseKeptGreeting(text: string, url: string): Advertisement | null {
  const [format, of, ...rest] = text.split('\n');
  if (format !== FORMAT || of !== url || rest.pop() !== '' || rest.pop() !== END) return null;
  // What a packet holds of a greeting is printable, and short.
  if (!rest.every((line) => /^[\x20-\x7e]{1,1000}$/.test(line))) return null;
  const read = parseAdvertisement(rest);
  const greeting = read && wordingOf(read);
  const features = greeting?.capabilities.get('fetch')?.split(' ') ?? [];
  return features.includes('filter') ? greeting : null;
}
