import { type Location, parseLocation } from '../protocol/location.ts';
import { type AcceptPattern, acceptPatterns } from './accept.ts';
import { type ConfigEntry, lastValue } from './entries.ts';
import { parseCount, parseDuration, parseSize } from './quantity.ts';

/** When refs/mirror/* is swept: as soon as git has promoted, at the next start only, or never. */
export type SweepTime = 'after' | 'next' | 'never';

/** Whether a large history is staged in parts that survive a break. */
export type Checkpoints = 'auto' | 'always' | 'never';

/** The `gam.*` settings that a fetch obeys; times in milliseconds, sizes in bytes. */
export interface Settings {
  /** How many mirrors run in a race at once, and how far apart they start. */
  raceWidth: number;
  raceDelay: number;
  connectTimeout: number;
  lowSpeedLimit: number;
  lowSpeedTime: number;
  /** The most that one staging may bring in; null: half of the free disk. */
  maxStageSize: number | null;
  checkpoints: Checkpoints;
  sweep: SweepTime;
  /** Where this machine is; null: where it is found to be. */
  location: Location | null;
  /** What a server, or a published list, may name as a mirror. */
  acceptMirrorUrl: readonly AcceptPattern[];
}

/** The values that count when nothing is configured. */
export const DEFAULT_SETTINGS: Readonly<Settings> = {
  raceWidth: 3,
  raceDelay: 150,
  connectTimeout: 5000,
  lowSpeedLimit: 4096,
  lowSpeedTime: 10_000,
  maxStageSize: null,
  checkpoints: 'auto',
  sweep: 'after',
  location: null,
  acceptMirrorUrl: acceptPatterns([]).patterns,
};

function parseWord<T extends string>(words: readonly T[]): (text: string) => T | undefined {
  return (text) => words.find((word) => word === text.toLowerCase());
}

const parseCheckpoints = parseWord(['auto', 'always', 'never']);
const parseSweep = parseWord(['after', 'next', 'never']);

/**
 * Takes the `gam.*` settings out of the configuration. A value that cannot be read leaves the default and
 * adds a warning that names key and value.
 */
export function readSettings(entries: readonly ConfigEntry[]): { settings: Settings; warnings: string[] } {
  const warnings: string[] = [];
  function read<T>(name: string, parse: (text: string) => T | undefined, fallback: T): T {
    const text = lastValue(entries, 'gam', null, name.toLowerCase());
    if (text === undefined) return fallback;
    const value = parse(text);
    if (value === undefined) warnings.push(`cannot read gam.${name}=${text}; using the default`);
    return value ?? fallback;
  }
  const accepted = acceptPatterns(entries);
  const settings: Settings = {
    raceWidth: read('raceWidth', parseCount, DEFAULT_SETTINGS.raceWidth),
    raceDelay: read('raceDelay', parseDuration, DEFAULT_SETTINGS.raceDelay),
    connectTimeout: read('connectTimeout', parseDuration, DEFAULT_SETTINGS.connectTimeout),
    lowSpeedLimit: read('lowSpeedLimit', parseSize, DEFAULT_SETTINGS.lowSpeedLimit),
    lowSpeedTime: read('lowSpeedTime', parseDuration, DEFAULT_SETTINGS.lowSpeedTime),
    maxStageSize: read('maxStageSize', parseSize, DEFAULT_SETTINGS.maxStageSize),
    checkpoints: read('checkpoints', parseCheckpoints, DEFAULT_SETTINGS.checkpoints),
    sweep: read('sweep', parseSweep, DEFAULT_SETTINGS.sweep),
    location: read('location', (text) => parseLocation(text) ?? undefined, DEFAULT_SETTINGS.location),
    acceptMirrorUrl: accepted.patterns,
  };
  for (const text of accepted.unreadable)
    warnings.push(`cannot read gam.acceptMirrorUrl=${text}; write it as in https://*.example.com/*`);
  return { settings, warnings };
}
