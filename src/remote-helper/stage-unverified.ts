import { commitsBeyond, isConnected, presentObjects } from '../git/objects.ts';
import type { NamedOid } from '../mirror/choose.ts';
import type { Unverified } from '../mirror/down-line.ts';
import { type Mirror, mirrorHost } from '../mirror/mirror.ts';
import { isFetched } from '../protocol/refspec.ts';
import { type Haul, openHaul } from './haul.ts';
import { type Answer, Race, type Winner } from './race.ts';
import { haulFrom, keepHaul, planFor } from './stage.ts';
import { elsewhere, type StageOrder, type StageTools } from './stage-order.ts';

/** What a fetch would have asked canonical for, as far as that is known without canonical. */
export interface Unasked extends Omit<StageOrder, 'wanted' | 'peeled'> {
  /** The remote's. */
  refspecs: readonly string[];
  /** What mirrors are asked for: names of refs, or prefixes of many. */
  names: readonly string[];
}

/**
 * Stages what a mirror has of a remote whose canonical server cannot be reached: the refs that the remote's
 * refspecs name and whose objects are not here, and the tags that git would follow to what they bring. They go
 * under refs/mirror/ in the way of every staging. The first mirror that has something new serves, since nobody
 * can say which one is up to date.
 *
 * @throws only when interrupted, or where the repository cannot be written: a mirror's failure is told to the
 *   user and passed over
 */
export async function stageUnverified(
  mirrors: readonly Mirror[],
  unasked: Unasked,
  tools: StageTools,
): Promise<Unverified> {
  const { names, format } = unasked;
  const { signal } = tools.contact;
  const race = new Race(mirrors, { names, format }, tools);
  const judge = (answer: Answer) => {
    if (namedRefs(answer, unasked).length === 0)
      throw elsewhere('mirror-behind', 'has none of the wanted refs');
    return 1;
  };
  const idle: string[] = [];
  let haul: Haul | null = null;
  try {
    for (let answer = await race.take(judge); answer !== null; answer = await race.take(judge)) {
      try {
        const { wanted, dropped } = await missingOf(answer, unasked);
        if (wanted.length + dropped.length === 0) {
          idle.push(mirrorHost(answer.mirror.url));
          continue;
        }
        const order = { ...unasked, wanted, peeled: new Map<string, string>() };
        haul ??= await openHaul(order, tools);
        haul.refs.push(...dropped.map((ref) => ({ ...ref, site: answer.mirror.site })));
        if (wanted.length > 0)
          await haulFrom(answer, await planFor(answer, order, tools), haul, order, tools);
        await followTags(answer, haul, order);
        break;
      } catch (error) {
        if (!signal.aborted) race.passOver(answer.mirror, error);
      } finally {
        answer.line.close();
      }
    }
    signal.throwIfAborted();
    if (haul === null || haul.refs.length === 0) return { refs: 0, hosts: [], idle };
    const wanted = haul.refs.map(({ name, oid }) => ({ name, oid }));
    const sites = new Set(haul.refs.map(({ site }) => site));
    const hosts = mirrors.filter(({ site }) => sites.has(site)).map(({ url }) => mirrorHost(url));
    const { refs } = await keepHaul(haul, { ...unasked, wanted, peeled: new Map() }, tools);
    return { refs: refs.length, hosts, idle };
  } finally {
    await haul?.quarantine.remove();
  }
}

function namedRefs({ refs }: Answer, { refspecs }: Unasked): NamedOid[] {
  return [...refs].flatMap(([name, oid]) => (isFetched(name, refspecs) ? [{ name, oid }] : []));
}

/**
 * What a mirror has that no ref of the repository leads to. What is `dropped` came before, and its refs were
 * removed (`gam sweep --unverified`): the objects are here until git prunes them, and need not come again.
 */
async function missingOf(
  answer: Answer,
  unasked: Unasked,
): Promise<{ wanted: NamedOid[]; dropped: NamedOid[] }> {
  const { repository } = unasked;
  const named = namedRefs(answer, unasked);
  const here = await presentObjects(new Set(named.map(({ oid }) => oid)), repository);
  if (here.size === 0) return { wanted: named, dropped: [] };
  // Some of it came without its history, as what `git unpack-objects` left of a pack that broke off: that
  // counts as missing, and which it is, fetch-pack finds out.
  if (!(await isConnected(here, repository))) return { wanted: named, dropped: [] };
  const beyond = await commitsBeyond(here, ['--all'], repository);
  return {
    wanted: named.filter(({ oid }) => !here.has(oid)),
    dropped: named.filter(({ oid }) => beyond.has(oid)),
  };
}

// git follows a tag to what it has fetched, and to nothing else (builtin/fetch.c, find_non_local_tags()). More
// must not be staged: what is here when canonical is back makes git follow tags to it.
async function followTags({ mirror, refs }: Winner, haul: Haul, order: StageOrder): Promise<void> {
  if (!order.includeTag) return;
  const { quarantine } = haul;
  const hauled = new Set(haul.refs.map(({ name }) => name));
  const tags = [...refs].filter(([name]) => name.startsWith('refs/tags/') && !hauled.has(name));
  const came = await presentObjects(
    tags.map(([, oid]) => oid),
    { env: quarantine.alone(order.repository.env) },
  );
  const env = quarantine.environment(order.repository.env);
  const proven = haul.refs.map(({ oid }) => oid);
  if (came.size === 0 || !(await isConnected(came, { env }, proven))) return;
  for (const [name, oid] of tags) if (came.has(oid)) haul.refs.push({ name, oid, site: mirror.site });
}
