import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Environment } from '../git/environment.ts';
import { distanceBetween } from '../mirror/distance.ts';
import { type Observation, observe } from '../mirror/measure.ts';
import { measureKeys } from '../mirror/measure-key.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Known } from '../mirror/rank.ts';
import type { Location } from '../protocol/location.ts';
import { measuresFile } from './folder.ts';
import { type Kept, readKept, writeKept } from './kept.ts';
import { replaceLocked } from './lock.ts';
import { networkId } from './network.ts';

/** How long others' writing may hold up the end of a fetch, all in all, in milliseconds. */
const PATIENCE = 100;

/** One thing that was seen of the place at a URL. */
export interface Note {
  url: string;
  seen: Observation;
}

/** Where hosts are, null for one that is at no known place, and where this machine is, null where that was not found. */
export interface Places {
  hosts: ReadonlyMap<string, Location | null>;
  here: Location | null;
}

const NOTHING: Kept = { measures: new Map(), places: new Map(), here: null };

/**
 * Reads what transfers have shown of mirrors, in the network that this machine is in, and where their hosts are. Nothing is
 * known of any where there is no file, or one that is damaged or not the user's.
 * @param location where this machine is, as the user says; null: where it was found to be
 */
export function recall(
  env: Environment,
  location: Location | null = null,
): (place: Pick<Mirror, 'url' | 'refusal' | 'location'>) => Known {
  const file = measuresFile(env);
  const { measures, places, here: found } = file === null ? NOTHING : readKept(file);
  const network = measures.size === 0 ? '' : networkId();
  const at = (key: string | null) => (key === null ? null : (measures.get(`${network} ${key}`) ?? null));
  const here = location ?? found;
  return ({ url, refusal, location: told }) => {
    if (refusal !== null) return { own: null, line: null, location: null, distance: null };
    const { own, line, host } = measureKeys(url);
    // Whoever runs a mirror knows better where it is than data about its address.
    const there = told ?? places.get(host ?? '')?.location ?? null;
    const distance = here && there && distanceBetween(here, there);
    return { own: at(own), line: at(line), location: there, distance };
  };
}

// What the line to a host is like is seen with every repository there; what a mirror has is its own affair.
function keysFor({ url, seen }: Note): string[] {
  const { own, line } = measureKeys(url);
  const shared = line !== null && line !== own && (seen.kind === 'greeting' || seen.kind === 'pack');
  return shared ? [own, line] : [own];
}

/**
 * Changes what is remembered, under a lock, on top of what others have written meanwhile.
 * @returns false when it was given up: there is no home, it cannot be written, or others held the lock
 */
async function change(env: Environment, make: (kept: Kept, now: number) => void): Promise<boolean> {
  const file = measuresFile(env);
  if (file === null) return false;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return await replaceLocked(file, PATIENCE, () => {
      const kept = readKept(file);
      make(kept, Date.now());
      return writeKept(kept);
    });
  } catch {
    return false;
  }
}

/** Adds what was seen to what is remembered. @returns false when that was given up, as change() says */
export async function remember(notes: readonly Note[], env: Environment): Promise<boolean> {
  if (notes.length === 0) return false;
  return change(env, ({ measures }, now) => {
    const network = networkId();
    for (const note of notes) {
      for (const key of keysFor(note).map((one) => `${network} ${one}`))
        measures.set(key, observe(measures.get(key) ?? null, note.seen, now));
    }
  });
}

/**
 * Keeps where hosts and this machine are. What is known of other hosts stays.
 * @returns false when there was nothing to change, or that was given up, as change() says
 */
export async function rememberPlaces({ hosts, here }: Places, env: Environment): Promise<boolean> {
  const file = measuresFile(env);
  const known = file === null ? NOTHING.places : readKept(file).places;
  if (![...hosts].some(([host, location]) => location !== null || known.has(host))) return false;
  return change(env, (kept, now) => {
    kept.here = here ?? kept.here;
    for (const [host, location] of hosts) {
      if (location === null) kept.places.delete(host);
      else kept.places.set(host, { at: now, location });
    }
  });
}
