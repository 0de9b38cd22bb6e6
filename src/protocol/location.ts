import { middleOf } from './countries.ts';

/** A place on earth, as `gam.location` and a mirror list name it. */
export interface Location {
  /** Degrees north, -90 to 90, and east, -180 to 180; of four decimals, which is ten metres. */
  latitude: number;
  longitude: number;
  /** ISO 3166-1 alpha-2 where it is a country as a whole, which its middle stands for; null for a point. */
  country: string | null;
}

const POINT = /^([+-]?\d{1,2}(?:\.\d{1,16})?)\s*,\s*([+-]?\d{1,3}(?:\.\d{1,16})?)$/;

// Adding zero makes -0 the 0 that is written for it.
function degrees(number: number): number {
  return Math.round(number * 10_000) / 10_000 + 0;
}

/** Makes a location of degrees north and east; null when there is no such place. */
export function pointAt(latitude: number, longitude: number): Location | null {
  if (!(Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180)) return null;
  return { latitude: degrees(latitude), longitude: degrees(longitude), country: null };
}

/** Reads a country's code, in capitals or not, or `<degrees north>,<degrees east>`; null when it is neither. */
export function parseLocation(text: string): Location | null {
  const trimmed = text.trim();
  const [, north, east] = POINT.exec(trimmed) ?? [];
  if (north !== undefined && east !== undefined) return pointAt(Number(north), Number(east));
  const country = /^[a-z]{2}$/i.test(trimmed) ? trimmed.toUpperCase() : null;
  const middle = country === null ? null : middleOf(country);
  return middle && { latitude: middle[0], longitude: middle[1], country };
}

/** Writes what parseLocation() reads. */
export function writeLocation({ latitude, longitude, country }: Location): string {
  return country ?? `${latitude},${longitude}`;
}
