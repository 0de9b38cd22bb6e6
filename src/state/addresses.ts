import { mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Environment } from '../git/environment.ts';
import { type Addresses, type KeptAddress, namesHostOnly, tellableUrl } from '../mirror/host-mirror.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { Known } from '../mirror/rank.ts';
import { shortHash } from '../protocol/digest.ts';
import type { Location } from '../protocol/location.ts';
import { addressesFolder } from './folder.ts';
import { replaceLocked } from './lock.ts';
import { recall } from './measures.ts';
import { readOwnFile } from './own-file.ts';
import { makeRoom } from './own-folder.ts';

/** A file that is larger was not written here: three URLs of 2,048 characters, which JSON may double. */
const LARGEST = 16_384;

/** Of so many mirrors and repositories in all. */
const MOST = 512;

/** An answer counts for no longer, in milliseconds: a day. */
const LASTING = 24 * 3_600_000;

/** How long another's writing may hold this one up, in milliseconds. */
const PATIENCE = 20;

function parse(text: string, mirrorUrl: string, canonical: string): KeptAddress | null {
  const { mirror, of, address, until } = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  const isTime = typeof until === 'number' && Math.abs(until - Date.now()) <= LASTING;
  const isKnown = address === null || typeof address === 'string';
  return mirror === mirrorUrl && of === canonical && isKnown && isTime ? { address, until } : null;
}

/**
 * Where mirrors that are named by their host only have canonical, as they have said; kept in a file each. What cannot be written down
 * counts for this run.
 */
export function addressesOf(canonicalUrl: string, env: Environment): Addresses {
  const canonical = tellableUrl(canonicalUrl);
  const folder = canonical === null ? null : addressesFolder(env);
  const here = new Map<string, KeptAddress | null>();
  const fileFor = (mirrorUrl: string) => folder && join(folder, shortHash(`${mirrorUrl} ${canonical}`));
  const read = (mirrorUrl: string): KeptAddress | null => {
    const file = fileFor(mirrorUrl);
    try {
      const found = file === null ? null : readOwnFile(file, LARGEST);
      return found && parse(found.text, mirrorUrl, canonical ?? '');
    } catch {
      return null;
    }
  };
  return {
    canonical,
    recall(mirrorUrl) {
      if (!namesHostOnly(mirrorUrl)) return null;
      if (!here.has(mirrorUrl)) here.set(mirrorUrl, read(mirrorUrl));
      const known = here.get(mirrorUrl) ?? null;
      return known !== null && known.until > Date.now() ? known : null;
    },
    async keep(mirrorUrl, known) {
      here.set(mirrorUrl, known);
      const file = fileFor(mirrorUrl);
      if (file === null) return;
      try {
        mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
        makeRoom(dirname(file), MOST, LASTING);
        const text = JSON.stringify({ mirror: mirrorUrl, of: canonical, ...known });
        await replaceLocked(file, PATIENCE, () => `${text}\n`);
      } catch {
        // A full disk, a home that cannot be written to: it is asked again the next time.
      }
    },
    forget(mirrorUrl) {
      here.set(mirrorUrl, null);
      const file = fileFor(mirrorUrl);
      try {
        if (file !== null) rmSync(file, { force: true });
      } catch {
        // It counts for a day at most.
      }
    },
  };
}

/** The URL under which it is remembered what a mirror is like: that of the repository, where the mirror is named by its host only. */
export function measuredUrl(addresses: Addresses, url: string): string {
  return addresses.recall(url)?.address ?? url;
}

/** As recall(), and of mirrors that are named by their host only what they have said, too. */
export function recallAt(
  addresses: Addresses | undefined,
  env: Environment,
  location: Location | null = null,
): (place: Pick<Mirror, 'url' | 'refusal' | 'location'>) => Known {
  const known = recall(env, location);
  return (place) => {
    const kept = addresses?.recall(place.url);
    const lacksUntil = kept?.address === null ? kept.until : null;
    return { ...known({ ...place, url: kept?.address ?? place.url }), lacksUntil };
  };
}
