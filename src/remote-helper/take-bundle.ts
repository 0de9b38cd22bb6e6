import { closeSync, openSync, readSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startIndexPack } from '../git/index-pack.ts';
import { isConnected, presentObjects } from '../git/objects.ts';
import type { Quarantine } from '../git/quarantine.ts';
import type { BundleHeader } from '../protocol/bundle-header.ts';
import { Deadline, within } from '../transport/patience.ts';
import { REFUSED } from './fetch-from-mirror.ts';
import { bundleRefs } from './judge-bundle.ts';
import { showProgress } from './progress.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

// The child goes on reading where this process has stopped: the pack itself passes nobody.
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

async function index(
  path: string,
  header: BundleHeader,
  size: number,
  order: StageOrder,
  quarantine: Quarantine,
  tools: StageTools,
): Promise<{ pack: string; whole: boolean }> {
  const { contact, report } = tools;
  const giveUp = new AbortController();
  const fd = openBehind(path, header.length);
  try {
    const { child, exit } = startIndexPack({
      env: quarantine.environment(order.repository.env),
      pack: fd,
      entries: contact.entries,
      progress: order.progress,
      signal: AbortSignal.any([contact.signal, giveUp.signal]),
    });
    let said = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const complaint = showProgress(child.stderr, report);
    const patience = new Deadline(60_000 + size / 256, 'its pack could not be indexed');
    const { status } = await within(exit, patience, () => 0).catch(async (error: unknown) => {
      giveUp.abort();
      await exit.catch(() => undefined);
      throw error;
    });
    contact.signal.throwIfAborted();
    const [, pack] = /^(?:pack|keep)\t([0-9a-f]+)$/m.exec(said) ?? [];
    if (pack !== undefined && (status === 0 || status === 1)) return { pack, whole: status === 0 };
    const words = await complaint;
    throw elsewhere('mirror-broken', words === '' ? REFUSED : `${REFUSED}: ${words}`);
  } finally {
    closeSync(fd);
  }
}

/**
 * Takes the objects of a bundle into a quarantine, with a check that everything its refs lead to is there. What fails that
 * is taken out again.
 *
 * @param known tips that earlier bundles brought, with all they lead to
 * @throws GamError with `tryElsewhere` when git refuses the pack, or the history has holes
 */
export async function takeBundle(
  path: string,
  header: BundleHeader,
  size: number,
  known: ReadonlySet<string>,
  order: StageOrder,
  quarantine: Quarantine,
  tools: StageTools,
): Promise<void> {
  const { pack, whole } = await index(path, header, size, order, quarantine, tools);
  tools.trace('pack-received', { bytes: size, whole });
  const tips = new Set(bundleRefs(header).values());
  const { env } = order.repository;
  const inPack = whole ? await presentObjects(tips, { env: quarantine.alone(env) }) : new Set();
  const unproven = [...tips].filter((oid) => !inPack.has(oid));
  const connected =
    unproven.length === 0 || (await isConnected(unproven, { env: quarantine.environment(env) }, known));
  if (!connected) {
    const files = ['idx', 'rev', 'pack'].map((ending) =>
      join(quarantine.folder, 'pack', `pack-${pack}.${ending}`),
    );
    for (const file of files) await rm(file, { force: true });
    throw elsewhere('mirror-broken', 'has an incomplete history');
  }
  tools.trace('connected');
}
