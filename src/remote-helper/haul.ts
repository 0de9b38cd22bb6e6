import type { WantedRef } from '../git/fetch-pack.ts';
import { youngestFirst } from '../git/objects.ts';
import { Quarantine } from '../git/quarantine.ts';
import type { Cut } from '../mirror/cut.ts';
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
  /** Where the history is cut, for the next mirror; null as long as nobody was asked. */
  cuts: readonly Cut[] | null;
}

/** Where a haul comes from, and what it is for. */
export interface Source {
  mirror: Mirror;
  line: MirrorLine;
  order: StageOrder;
  tools: StageTools;
  /** With the mirror's packs, from the first one to the last. */
  patience: Patience;
  /** Opens another line to the mirror in the place of this one, which is of no use any more. */
  reopen: () => Promise<MirrorLine>;
}

/** Opens an empty haul, in a quarantine of its own. */
export async function openHaul({ repository }: StageOrder, { pid, trace }: StageTools): Promise<Haul> {
  const quarantine = await Quarantine.open(repository.objects, pid);
  trace('quarantine-opened', { folder: quarantine.folder });
  return { quarantine, refs: [], others: [], sources: new Map(), earlier: 0, cuts: null };
}

/**
 * Adds refs of a mirror to a haul, with everything they lead to. What is added stays, also when a later part fails: the next
 * mirror then goes on from there.
 *
 * @throws GamError with `tryElsewhere` when the mirror refuses, breaks off, or sends a history with holes
 */
export async function haulPart(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  await bring(refs, haul, source);
  add(refs, [], haul, source);
  await keepAside(haul, source);
}

/**
 * Adds an older part of a branch's history to a haul: some commits, with everything they lead to. From then on it is as if
 * the mirror were behind, with its branch at the youngest of them.
 *
 * @throws as haulPart()
 */
export async function haulOlder(
  branch: string,
  commits: readonly string[],
  haul: Haul,
  source: Source,
): Promise<void> {
  // fetch-pack wants a name for each, which goes no further.
  await bring(
    commits.map((oid) => ({ name: `refs/cut/${oid}`, oid })),
    haul,
    source,
  );
  const { env } = source.order.repository;
  const [youngest, ...others] = await youngestFirst(commits, { env: haul.quarantine.environment(env) });
  if (youngest !== undefined) add([{ name: branch, oid: youngest }], others, haul, source);
  await keepAside(haul, source);
}

async function bring(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  const { mirror, line } = source;
  const before = line.source.bytes;
  const proven = new Set([...haul.refs.map(({ oid }) => oid), ...haul.others]);
  const missing = refs.filter(({ oid }) => !proven.has(oid));
  try {
    if (missing.length > 0) await bringIn(missing, proven, { ...source, quarantine: haul.quarantine });
  } finally {
    haul.sources.set(mirror, (haul.sources.get(mirror) ?? 0) + line.source.bytes - before);
  }
}

function add(refs: readonly WantedRef[], others: readonly string[], haul: Haul, { mirror }: Source): void {
  const added = refs.map(({ name, oid }) => ({ name, oid, site: mirror.site }));
  // In an earlier part or run this very mirror had a branch elsewhere.
  const names = new Set(added.map(({ name }) => name));
  const isOld = ({ name, site }: HauledRef) => site === mirror.site && names.has(name);
  const old = haul.refs.filter(isOld).map(({ oid }) => oid);
  haul.others = [...new Set([...haul.others, ...others, ...old])];
  haul.refs = [...haul.refs.filter((ref) => !isOld(ref)), ...added];
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
