import { type FileHandle, open, statfs } from 'node:fs/promises';
import { download } from '../download/download.ts';
import { formatBytes } from '../mirror/account.ts';
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

/** What decides on a bundle when its header is there, before the rest comes; it throws to refuse it. */
export type OnHeader = (header: BundleHeader, latency: number) => Promise<void>;

const PIECE = 64 * 1024;

/** How often progress is drawn; milliseconds. */
const DRAW_EVERY = 250;

/** Brings one file, or finds it where it is; see BundlePlace. */
export async function fetchBundle(
  place: BundlePlace,
  into: string,
  onHeader: OnHeader,
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
    const size = await lookInto(place.path, inspect, tools.contact.signal);
    const { header, list } = first;
    return { path: place.path, header, list, received: new Map([[place.path, size]]) };
  }
  const draw = drawing(order, tools);
  const { received } = await download(
    {
      urls: place.urls,
      file: into,
      sizeLimit: (await roomFor(order, tools)) - already,
      sha256: null,
      inspect,
      progress: (done, size) => {
        if (first.header !== null) draw(done, size);
      },
    },
    { ...tools.contact, env: order.repository.env, cwd: order.repository.gitDir },
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

function drawing({ progress }: StageOrder, { report }: StageTools) {
  let last = 0;
  return (done: number, size: number | null) => {
    const over = done === size;
    if (!progress || (!over && performance.now() - last < DRAW_EVERY)) return;
    last = performance.now();
    const share = size === null ? '' : `${`${Math.floor((100 * done) / size)}`.padStart(3)}% of `;
    report.progress(`Downloading bundle: ${share}${formatBytes(size ?? done)}${over ? ', done.\n' : '\r'}`);
  };
}
