import { closeSync, openSync, readSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { startIndexPack } from '../git/index-pack.ts';
import type { Started } from '../git/process.ts';
import type { Quarantine } from '../git/quarantine.ts';
import { Deadline, within } from '../transport/patience.ts';
import { BundleFeed } from './bundle-feed.ts';
import { REFUSED } from './fetch-from-mirror.ts';
import { showProgress } from './progress.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/** A pack in a quarantine. */
export interface Indexed {
  /** Its checksum, by which its files are named. */
  pack: string;
  /** True when it has all that its objects lead to. */
  whole: boolean;
}

// The child goes on reading where this process has stopped: the pack of a file that is here passes nobody.
function openBehind(path: string, length: number): number {
  const fd = openSync(path, 'r');
  const header = Buffer.alloc(length);
  for (let at = 0; at < length; ) {
    const bytes = readSync(fd, header, at, length - at, null);
    if (bytes === 0) break;
    at += bytes;
  }
  return fd;
}

/** One `git index-pack` at work on the pack of a bundle: of a file, or of one that is still being downloaded. */
export class Indexing {
  /** Settles when git has found that the pack is no good. */
  readonly broken: Promise<void>;
  readonly #tools: StageTools;
  readonly #started: Started;
  readonly #giveUp = new AbortController();
  readonly #complaint: Promise<string>;
  readonly #poured: Promise<void>;
  #said = '';

  /** @param length bytes of the bundle before its pack */
  constructor(
    input: BundleFeed | string,
    length: number,
    order: StageOrder,
    quarantine: Quarantine,
    tools: StageTools,
  ) {
    this.#tools = tools;
    const { contact, report } = tools;
    const pack = input instanceof BundleFeed ? 'pipe' : openBehind(input, length);
    try {
      this.#started = startIndexPack({
        env: quarantine.environment(order.repository.env),
        pack,
        entries: contact.entries,
        progress: order.progress,
        signal: AbortSignal.any([contact.signal, this.#giveUp.signal]),
      });
    } finally {
      if (pack !== 'pipe') closeSync(pack);
    }
    const { child, exit } = this.#started;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
    this.#complaint = showProgress(child.stderr, report);
    this.#complaint.catch(() => undefined);
    // How a broken pipe came about, the exit status tells.
    child.stdin?.on('error', () => undefined);
    this.#poured =
      input instanceof BundleFeed ? input.pourInto(child.stdin as Writable, length) : Promise.resolve();
    this.#poured.catch(() => this.#giveUp.abort());
    this.broken = new Promise((resolve) => {
      exit.then(
        ({ status }) => {
          if (status !== 0 && status !== 1) resolve();
        },
        () => resolve(),
      );
    });
  }

  /**
   * Waits for the end.
   * @param size bytes of the bundle
   * @throws GamError with `tryElsewhere` and git's own words when the pack is no good
   */
  async verdict(size: number): Promise<Indexed> {
    const patience = new Deadline(60_000 + size / 256, 'its pack could not be indexed');
    const { status } = await within(this.#started.exit, patience, () => 0);
    this.#tools.contact.signal.throwIfAborted();
    const [, pack] = /^(?:pack|keep)\t([0-9a-f]+)$/m.exec(this.#said) ?? [];
    if (pack !== undefined && (status === 0 || status === 1)) return { pack, whole: status === 0 };
    const words = await this.#complaint;
    throw elsewhere('mirror-broken', words === '' ? REFUSED : `${REFUSED}: ${words}`);
  }

  /** Ends it, if it is still at work, and waits until nothing of it is left. */
  async stop(): Promise<void> {
    this.#giveUp.abort();
    await this.#started.exit.catch(() => undefined);
    this.#started.child.stdin?.destroy();
    await this.#poured.catch(() => undefined);
  }
}
