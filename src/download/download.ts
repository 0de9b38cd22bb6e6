import type { Settings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import { redactUrl } from '../protocol/redact.ts';
import { Crew, type Inspect } from './crew.ts';
import { PartFile } from './part-file.ts';
import { Source } from './source.ts';

/** The most connections at a time. */
const MOST_CONNECTIONS = 4;

/** A file of this size is worth more connections than it has sources: some servers give each only so much. */
const LARGE = 32 * 1024 ** 2;

/** A file to be downloaded. */
export interface DownloadOrder {
  /** http and https URLs that may hold it, the best first. */
  urls: readonly string[];
  /** Where it goes. Beside it lie `<file>.part` and `<file>.journal` while it is under way. */
  file: string;
  /** The most bytes that it may have. */
  sizeLimit: number;
  /** SHA-256 of it, in hex; null when its maker does not say. */
  sha256: string | null;
  inspect: Inspect;
  /** Told how many bytes are there from the beginning on, as they grow; fewer than before when all begins anew. */
  grown: (there: number) => void;
}

/** What downloads work with. */
export interface DownloadTools {
  env: Environment;
  cwd: string;
  settings: Pick<Settings, 'connectTimeout' | 'lowSpeedLimit' | 'lowSpeedTime'>;
  signal: AbortSignal;
}

/** What came. */
export interface Downloaded {
  size: number;
  /** Bytes that came over the network, by URL; those that an earlier run had brought are not among them. */
  received: ReadonlyMap<string, number>;
}

/**
 * Downloads one file, from several places at once where there are several. All is asked for without anything that tells
 * who asks, and what git's configuration says about proxies and certificates is obeyed or the source left alone. What
 * breaks off is gone on with, here and by the next download of the same file; what the sources have in common is
 * the size, the last bytes, and the digest where there is one.
 *
 * @throws GamError with `tryElsewhere` when no source can bring it, with each one's reason; whatever `inspect` throws
 */
export async function download(order: DownloadOrder, tools: DownloadTools): Promise<Downloaded> {
  const { env, cwd, settings, signal } = tools;
  const about = { env, cwd, connectTimeout: settings.connectTimeout, signal };
  const sources = order.urls.map((url) => new Source(url, about));
  const file = await PartFile.open(order.file);
  const crew = new Crew(file, { ...order, settings, signal });
  try {
    await bring(crew, sources, file);
    if (order.sha256 !== null && (await file.sha256()) !== order.sha256) {
      await file.discard();
      throw new GamError('mirror-broken', 'has not the digest that it should have', { tryElsewhere: true });
    }
    await file.finish();
    const received = sources.filter(({ bytes }) => bytes > 0).map(({ url, bytes }) => [url, bytes] as const);
    return { size: file.size ?? 0, received: new Map(received) };
  } finally {
    await Promise.all(sources.map((source) => source.close()));
    await file.close();
  }
}

async function bring(crew: Crew, sources: readonly Source[], file: PartFile): Promise<void> {
  const helpers: Promise<void>[] = [];
  const help = (source: Source) => {
    const helping = crew.help(source);
    // Looked at in the end, when all of them are over.
    helping.catch(() => undefined);
    helpers.push(helping);
  };
  let opened = false;
  const open = (lead: Source) => {
    if (opened) return;
    opened = true;
    const others = sources.filter((source) => source !== lead && source.dropped === null);
    const more =
      (file.size ?? 0) < LARGE ? [] : Array.from({ length: MOST_CONNECTIONS }, () => [lead, ...others]);
    for (const source of [...others, ...more.flat()].slice(0, MOST_CONNECTIONS - 1)) help(source);
  };
  try {
    for (const source of sources) {
      while (!crew.isWhole && !crew.isOpen && source.dropped === null)
        await crew.lead(source, () => open(source));
      if (opened && source.dropped === null) help(source);
      if (crew.isWhole || opened) break;
    }
  } finally {
    await Promise.allSettled(helpers);
  }
  await Promise.all(helpers);
  crew.throwIfOver();
  if (!crew.isWhole) throw failure(sources);
}

function failure(sources: readonly Source[]): GamError {
  const failed = sources.flatMap(({ url, dropped }) => (dropped === null ? [] : [{ url, dropped }]));
  const [first] = failed;
  const code = first?.dropped instanceof GamError ? first.dropped.code : 'mirror-broken';
  const told = failed.map(({ url, dropped }) => `${redactUrl(url)} ${dropped.message}`).join('; ');
  const message = failed.length === 1 ? (first?.dropped.message ?? '') : told;
  return new GamError(code, message, { tryElsewhere: true, cause: first?.dropped });
}
