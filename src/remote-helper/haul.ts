import type { WantedRef } from '../git/fetch-pack.ts';
import { Quarantine } from '../git/quarantine.ts';
import { checkpoints } from '../mirror/checkpoints.ts';
import type { Mirror } from '../mirror/mirror.ts';
import type { MirrorLine } from '../transport/mirror-line.ts';
import type { Patience } from '../transport/patience.ts';
import { bringIn } from './bring-in.ts';
import type { StageOrder, StageTools } from './stage-order.ts';

/** A ref that came whole, and the site of the mirror it came from. */
export interface HauledRef extends WantedRef {
  site: string;
}

/** What mirrors have brought so far: objects in a quarantine, connected, which nobody sees yet. */
export interface Haul {
  quarantine: Quarantine;
  refs: HauledRef[];
  /** Tips that came along although nobody asked for them, as they do in a bundle. */
  others: readonly string[];
  /** The bytes that each mirror sent. */
  sources: Map<Mirror, number>;
  /** The bytes of packs that an earlier run has brought. */
  earlier: number;
}

/** Where a haul comes from, and what it is for. */
export interface Source {
  mirror: Mirror;
  line: MirrorLine;
  order: StageOrder;
  tools: StageTools;
  /** With the mirror's packs, from the first one to the last. */
  patience: Patience;
}

/** Opens an empty haul, in a quarantine of its own. */
export async function openHaul({ repository }: StageOrder, { pid, trace }: StageTools): Promise<Haul> {
  const quarantine = await Quarantine.open(repository.objects, pid);
  trace('quarantine-opened', { folder: quarantine.folder });
  return { quarantine, refs: [], others: [], sources: new Map(), earlier: 0 };
}

/** A mirror whose first answer takes so long is far, and its line may be thin: milliseconds. */
const FAR = 60;

/** A line that brings so many bytes a second is a good one, and needs no checkpoints. */
const GOOD_RATE = 4 * 1024 ** 2;

/** Fewer bytes tell nothing of a line's rate. */
const LEAST_SAMPLE = 256 * 1024;

/**
 * Adds refs of a mirror to a haul, with everything they lead to; in parts where gam.checkpoints says so. What is
 * added stays, also when a later part fails: the next mirror then goes on from there.
 *
 * @throws GamError with `tryElsewhere` when the mirror refuses, breaks off, or sends a history with holes
 */
export async function haulRefs(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  const { checkpoints: when } = source.tools.contact.settings;
  const auto = when === 'auto' && source.line.latency > FAR;
  const parts = when === 'always' || auto ? checkpoints(refs, haul.refs.length > 0) : [[...refs]];
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    const started = performance.now();
    const before = source.line.source.bytes;
    await haulPart(part, haul, source);
    if (parts.length === 0) return;
    source.tools.trace('checkpoint', { left: parts.length });
    const came = source.line.source.bytes - before;
    const rate = (1000 * came) / (performance.now() - started);
    if (auto && came >= LEAST_SAMPLE && rate >= GOOD_RATE) parts.splice(0, parts.length, parts.flat());
  }
}

async function haulPart(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  const { mirror, line } = source;
  const before = line.source.bytes;
  const proven = new Set([...haul.refs.map(({ oid }) => oid), ...haul.others]);
  const missing = refs.filter(({ oid }) => !proven.has(oid));
  try {
    if (missing.length > 0) await bringIn(missing, proven, { ...source, quarantine: haul.quarantine });
  } finally {
    haul.sources.set(mirror, (haul.sources.get(mirror) ?? 0) + line.source.bytes - before);
  }
  const added = refs.map(({ name, oid }) => ({ name, oid, site: mirror.site }));
  // In an earlier run this very mirror may have had a branch elsewhere.
  const names = new Set(added.map(({ name }) => name));
  const isOld = ({ name, site }: HauledRef) => site === mirror.site && names.has(name);
  const old = haul.refs.filter(isOld).map(({ oid }) => oid);
  haul.others = [...new Set([...haul.others, ...old])];
  haul.refs = [...haul.refs.filter((ref) => !isOld(ref)), ...added];
  await keepAside(haul, source);
}

// Only a clone loses all when it breaks off. That it cannot be kept is no reason to fail.
async function keepAside({ quarantine, refs, others }: Haul, { order, tools }: Source): Promise<void> {
  if (!order.clone || tools.kept === null) return;
  try {
    await tools.kept.save(quarantine, { format: order.format, refs, others: [...others] });
    tools.trace('kept-aside', { refs: refs.length });
  } catch (error) {
    tools.trace('kept-unusable', { why: error instanceof Error ? error.message : String(error) });
  }
}
