import { GamError } from '../errors.ts';
import type { WantedRef } from '../git/fetch-pack.ts';
import { presentObjects } from '../git/objects.ts';
import { checkpoints } from '../mirror/checkpoints.ts';
import type { NamedOid } from '../mirror/choose.ts';
import type { Cut } from '../mirror/cut.ts';
import { cutDates } from '../mirror/cut-dates.ts';
import { cutDepths } from '../mirror/cut-depths.ts';
import { mainBranch } from '../mirror/main-branch.ts';
import { Deadline } from '../transport/patience.ts';
import { PREPARATION } from './fetch-from-mirror.ts';
import { type Haul, haulOlder, haulPart, type Source } from './haul.ts';
import { cutHistory, type HistoryCut } from './history-cut.ts';
import { ThinLine, ThinWatch } from './thin-line.ts';

const DAY_MS = 24 * 3600 * 1000;

/**
 * Adds refs of a mirror to a haul, with everything they lead to; in parts where gam.checkpoints says so. With `auto`
 * that shows only when much is on its way over a line that turns out thin: then it is begun anew, so that a good line
 * never pays for it. What is added stays, also when a later part fails: the next mirror then goes on from there.
 *
 * @throws GamError with `tryElsewhere` when the mirror refuses, breaks off, or sends a history with holes
 */
export async function haulRefs(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  const { checkpoints: when } = source.tools.contact.settings;
  if (when === 'never') return haulPart(refs, haul, source);
  if (when === 'always') return haulInParts(refs, haul, { ...source });
  try {
    await haulPart(refs, haul, { ...source, patience: new ThinWatch(source.patience) });
  } catch (error) {
    if (!(error instanceof ThinLine)) throw error;
    source.tools.trace('thin-line', { site: source.mirror.site });
    await haulInParts(refs, haul, { ...source, line: await source.reopen() });
  }
}

async function haulInParts(refs: readonly WantedRef[], haul: Haul, source: Source): Promise<void> {
  const { trace } = source.tools;
  const byTags = checkpoints(refs, haul.refs.length > 0);
  const older = await new OlderParts(refs, byTags, haul, source).haul();
  const parts = older ? [[...refs]] : byTags;
  for (const [index, part] of parts.entries()) {
    await haulPart(part, haul, source);
    if (index < parts.length - 1) trace('checkpoint', { left: parts.length - 1 - index });
  }
}

/**
 * The older parts of a history that no tags cut, or only at one end. The mirror is asked which commits lie at certain dates,
 * or depths where all are of the same days, and from the oldest on for these, each time with all that is missing behind
 * them. A mirror that does not play along is asked for all in the usual way.
 */
class OlderParts {
  readonly #branch: NamedOid | null;
  readonly #byTags: readonly (readonly NamedOid[])[];
  readonly #haul: Haul;
  /** Its line is replaced where a question has cost it. */
  readonly #source: Source;

  constructor(
    refs: readonly NamedOid[],
    byTags: readonly (readonly NamedOid[])[],
    haul: Haul,
    source: Source,
  ) {
    const { advertisement, kind } = source.line;
    const cuts = (advertisement.capabilities.get('fetch') ?? '').split(' ').includes('shallow');
    // Each question costs a line, and each line over ssh a second or so: for whoever has asked for parts.
    const asked = kind !== 'ssh' || source.tools.contact.settings.checkpoints === 'always';
    this.#branch = cuts && asked ? mainBranch(refs) : null;
    this.#byTags = byTags;
    this.#haul = haul;
    this.#source = source;
  }

  /** @returns false when the history is to be cut by its tags, or not at all */
  async haul(): Promise<boolean> {
    const branch = this.#branch;
    if (branch === null) return false;
    try {
      const cuts = this.#haul.cuts ?? (await this.#cuts(branch.oid));
      const middle = cuts[cuts.length >> 1];
      if (middle === undefined) return false;
      this.#haul.cuts = cuts;
      if (await this.#areTagsSpread(middle)) return false;
      for (const [index, cut] of cuts.entries()) {
        const { position, commits } = await this.#cut(branch.oid, cut);
        if (position === 'after') break;
        const { env } = this.#source.order.repository;
        const here = await presentObjects(commits, { env: this.#haul.quarantine.environment(env) });
        const missing = commits.filter((oid) => !here.has(oid));
        if (missing.length === 0) continue;
        await haulOlder(branch.name, missing, this.#haul, this.#source);
        this.#source.tools.trace('checkpoint', { left: cuts.length - index });
      }
      return true;
    } catch (error) {
      // It does not know the branch, does not cut histories, or gives nothing that it has not advertised.
      if (!(error instanceof GamError) || !['mirror-refused', 'mirror-unusable'].includes(error.code))
        throw error;
      this.#source.tools.trace('uncut', { reason: error.message });
      await this.#reopen();
      return false;
    }
  }

  async #cuts(tip: string): Promise<Cut[]> {
    // The next clone, which may go on from this one, is asked for nearly the same parts.
    const tomorrow = (Math.floor(Date.now() / DAY_MS) + 1) * (DAY_MS / 1000);
    const positionOf = async (cut: Cut) => (await this.#cut(tip, cut)).position;
    const dates = await cutDates(tomorrow, (since) => positionOf({ since }));
    if (dates.length > 0) return dates.map((since) => ({ since }));
    // Depths tell nothing of where tags lie, which are better than nothing wherever that is.
    const depths = this.#byTags.length > 1 ? [] : await cutDepths((depth) => positionOf({ depth }));
    return depths.map((depth) => ({ depth }));
  }

  // Whether the tags do not all lie at one end: then the oldest of the parts that they make has no commit of the younger
  // half, and the youngest tag is none of the older half.
  async #areTagsSpread(middle: Cut): Promise<boolean> {
    if (this.#byTags.length < 2) return false;
    const [oldest, youngest] = [this.#byTags[0]?.at(-1), this.#byTags.at(-1)?.findLast(isTag)];
    if (oldest === undefined || youngest === undefined) return false;
    if ((await this.#cut(youngest.oid, middle)).position !== 'within') return false;
    return (await this.#cut(oldest.oid, middle)).position === 'after';
  }

  async #cut(tip: string, where: Cut): Promise<HistoryCut> {
    const { line, tools } = this.#source;
    // It may have to read all commits.
    const patience = new Deadline(PREPARATION * tools.contact.settings.lowSpeedTime, 'no answer');
    const cut = await cutHistory(tip, where, line, patience);
    tools.trace('history-cut', { ...where, position: cut.position, commits: cut.commits.length });
    if (!cut.open) await this.#reopen();
    return cut;
  }

  async #reopen(): Promise<void> {
    this.#source.tools.contact.signal.throwIfAborted();
    this.#source.line = await this.#source.reopen();
  }
}

function isTag({ name }: NamedOid): boolean {
  return name.startsWith('refs/tags/');
}
