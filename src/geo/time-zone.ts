import { readFileSync, readlinkSync } from 'node:fs';
import type { Environment } from '../git/environment.ts';
import { type Location, pointAt } from '../protocol/location.ts';

/** Where systems keep tzdata, whose tables name a place for each time zone (tzfile(5), tz's theory.html). */
const TABLES = ['/usr/share/zoneinfo/zone1970.tab', '/usr/share/zoneinfo/zone.tab'];

// ISO 6709: ±DDMM±DDDMM or ±DDMMSS±DDDMMSS.
const COORDINATES = /^([+-])(\d\d)(\d\d)(\d\d)?([+-])(\d{3})(\d\d)(\d\d)?$/;

function parseCoordinates(text: string): Location | null {
  const match = COORDINATES.exec(text);
  if (match === null) return null;
  const [, ns, ...digits] = match;
  const [d, m, s = 0, we, dd, mm, ss = 0] = digits;
  const angle = (sign: unknown, ...parts: unknown[]) => {
    const [degree = 0, minute = 0, second = 0] = parts.map(Number);
    return (sign === '-' ? -1 : 1) * (degree + minute / 60 + second / 3600);
  };
  return pointAt(angle(ns, d, m, s), angle(we, dd, mm, ss));
}

/** Finds the place of a time zone in a table such as zone1970.tab; null where it is not in there. */
export function placeOfZone(table: string, zone: string): Location | null {
  const rows = table.split('\n').filter((line) => !line.startsWith('#'));
  const row = rows.map((line) => line.split('\t')).find((cells) => cells[2]?.trim() === zone);
  return parseCoordinates(row?.[1] ?? '');
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function nameByIntl(zone: string | undefined): string | null {
  const options = zone === undefined ? {} : { timeZone: zone };
  return attempt(() => new Intl.DateTimeFormat('en', options).resolvedOptions().timeZone);
}

// The name that the system was told comes first: that of Intl may be an old one, Asia/Calcutta for Asia/Kolkata, which
// the tables lack; but where an old name was told, US/Eastern, Intl knows the new one.
function zones(env: Environment): string[] {
  const told = env['TZ'] || attempt(() => readlinkSync('/etc/localtime'));
  // `Europe/Berlin`, `:Europe/Berlin`, or a path: /usr/share/zoneinfo/, macOS' /var/db/timezone/zoneinfo/ and others.
  const name = told?.replace(/^:?(?:.*\/zoneinfo[^/]*\/)?/, '');
  return [name, nameByIntl(name)].filter((zone) => typeof zone === 'string');
}

/** The place that this machine's time zone is named after; null for UTC, and where the system has no tables. */
export function placeOfTimeZone(env: Environment): Location | null {
  for (const zone of zones(env)) {
    for (const table of TABLES) {
      const place = placeOfZone(attempt(() => readFileSync(table, 'utf8')) ?? '', zone);
      if (place !== null) return place;
    }
  }
  return null;
}
