import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { LaggingRef } from './standing.ts';

/** What looks at a member have shown. Times are in milliseconds since the epoch, by this machine's clock. */
export interface Sighting {
  member: string;
  /** When it was last seen to have all that the group has. */
  current: number | null;
  /** When it first did not answer, since it last did. */
  silent: number | null;
  /** Where it stands elsewhere than the group: when it was first seen to stand just there. */
  lags: readonly { ref: string; has: string | null; since: number }[];
}

/** What one look has shown. */
export interface Look {
  answered: boolean;
  /** Null where that could not be told, as without the group's state. */
  lags: readonly LaggingRef[] | null;
}

/** So many refs of a member are remembered; a member that is new lacks all of ten thousand. */
const MOST_LAGS = 100;

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Writes down what was seen. */
export function writeSightings(sightings: readonly Sighting[]): string {
  const lines = sightings.flatMap(({ member, current, silent, lags }) => [
    ...(current === null ? [] : [`current ${current} ${member}`]),
    ...(silent === null ? [] : [`silent ${silent} ${member}`]),
    ...lags.map(({ ref, has, since }) => `lag ${since} ${member} ${has ?? '-'} ${ref}`),
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

/** Reads what writeSightings() writes; lines that it does not know are passed over. */
export function parseSightings(text: string): Sighting[] {
  const members = new Map<string, Sighting>();
  for (const line of text.split('\n')) {
    const [kind = '', time = '', member = '', has = '', ref = ''] = line.split(' ');
    if (!/^[0-9]{1,15}$/.test(time) || member === '') continue;
    const known = members.get(member) ?? { member, current: null, silent: null, lags: [] };
    if (kind === 'current' || kind === 'silent') members.set(member, { ...known, [kind]: Number(time) });
    if (kind !== 'lag' || ref === '' || !(has === '-' || OID.test(has))) continue;
    const lag = { ref, has: has === '-' ? null : has, since: Number(time) };
    members.set(member, { ...known, lags: [...known.lags, lag] });
  }
  return [...members.values()];
}

/**
 * What is known of a member behind a look at it. A ref that has moved since, and is behind again, is newly so.
 * @param now in milliseconds since the epoch
 */
export function behindLook(known: Sighting, { answered, lags: seen }: Look, now: number): Sighting {
  // A clock that was set back must not have something last for less than no time.
  const began = (time: number | undefined | null) => Math.min(time ?? now, now);
  if (!answered) return { ...known, silent: began(known.silent) };
  if (seen === null) return { ...known, silent: null };
  if (seen.length === 0) return { ...known, current: now, silent: null, lags: [] };
  const before = new Map(known.lags.map((lag) => [`${lag.ref} ${lag.has}`, lag.since]));
  const lags = seen.map(({ ref, has }) => ({ ref, has, since: began(before.get(`${ref} ${has}`)) }));
  // The longest-standing ones are those that somebody will want to know of.
  const kept = lags.sort((a, b) => a.since - b.since).slice(0, MOST_LAGS);
  return { ...known, silent: null, lags: kept };
}

function read(file: string): Sighting[] {
  try {
    return parseSightings(readFileSync(file, 'utf8'));
  } catch {
    return [];
  }
}

// Of two that look at the same time the later one counts; a reader sees either whole.
function write(file: string, sightings: readonly Sighting[]): void {
  const draft = `${file}.${process.pid}`;
  try {
    writeFileSync(draft, writeSightings(sightings));
    renameSync(draft, file);
  } catch {
    // An administrator may be allowed to read only: since when a member has been behind is then known from later on.
  }
}

/**
 * Adds what looks have shown to what was seen before.
 *
 * @param looks by member; of who is not in it nothing is remembered
 * @param now in milliseconds since the epoch
 * @returns what is known now, by member
 */
export function noteSightings(
  file: string,
  looks: ReadonlyMap<string, Look>,
  now: number,
): ReadonlyMap<string, Sighting> {
  const before = new Map(read(file).map((one) => [one.member, one]));
  const after = [...looks].map(([member, look]) =>
    behindLook(before.get(member) ?? { member, current: null, silent: null, lags: [] }, look, now),
  );
  write(file, after);
  return new Map(after.map((one) => [one.member, one]));
}
