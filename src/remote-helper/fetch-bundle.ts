import { type FileHandle, open, statfs } from 'node:fs/promises';
import { download } from '../download/download.ts';
import type { BundleHeader } from '../protocol/bundle-header.ts';
import { FirstBytes } from './first-bytes.ts';
import type { StageOrder, StageTools } from './stage-order.ts';

/** Where a bundle, or a list of bundles, is: the URLs that may hold it, or the path of a file here. */
export type BundlePlace = { urls: readonly string[] } | { path: string };

/** What was found in such a place. */
export interface FetchedBundle {
  /** Where it lies now. */
  path: string;
  /** Null for a list. */
  header: BundleHeader | null;
  /** The text of a list. */
  list: string | null;
  /** Bytes of it that came over the network, by URL; those of a file here by its path. */
  received: ReadonlyMap<string, number>;
}

/** What hears of a bundle while it comes. */
export interface BundleEvents {
  /** Decides on it when its header is there, before the rest comes; throws to refuse it. */
  onHeader: (header: BundleHeader, latency: number) => Promise<void>;
  /** So many bytes are there from the beginning on. */
  grown: (there: number) => void;
  signal: AbortSignal;
}

const PIECE = 64 * 1024;

/** Brings one file, or finds it where it is; see BundlePlace. */
export async function fetchBundle(
  place: BundlePlace,
  into: string,
  { onHeader, grown, signal }: BundleEvents,
  order: StageOrder,
  tools: StageTools,
  already: number,
): Promise<FetchedBundle> {
  const first = new FirstBytes();
  const inspect = async (bytes: Buffer, at: number, latency: number) => {
    const enough = first.push(bytes, at);
    if (first.header !== null) await onHeader(first.header, latency);
    return enough;
  };
  if ('path' in place) {
    const size = await lookInto(place.path, inspect, signal);
    const { header, list } = first;
    return { path: place.path, header, list, received: new Map([[place.path, size]]) };
  }
  const { received } = await download(
    {
      urls: place.urls,
      file: into,
      sizeLimit: (await roomFor(order, tools)) - already,
      sha256: null,
      inspect,
      grown,
    },
    { ...tools.contact, signal, env: order.repository.env, cwd: order.repository.gitDir },
  );
  return { path: into, header: first.header, list: first.list, received };
}

// While a bundle is indexed it is there twice, as a file and as a pack.
async function roomFor({ repository }: StageOrder, { contact }: StageTools): Promise<number> {
  const { bavail, bsize } = await statfs(repository.objects);
  return contact.settings.maxStageSize ?? (bavail * bsize) / 4;
}

async function lookInto(
  path: string,
  inspect: (bytes: Buffer, at: number, latency: number) => Promise<boolean>,
  signal: AbortSignal,
): Promise<number> {
  const started = performance.now();
  const file: FileHandle = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(PIECE);
    for (let at = 0; ; ) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(bytes, 0, PIECE, at);
      if (bytesRead === 0) break;
      if (await inspect(Buffer.from(bytes.subarray(0, bytesRead)), at, performance.now() - started)) break;
      at += bytesRead;
    }
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}
