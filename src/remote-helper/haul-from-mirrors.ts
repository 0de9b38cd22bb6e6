import type { Mirror } from '../mirror/mirror.ts';
import { isBundleMirror, withSameBundle } from './bundle-mirror.ts';
import { type Haul, openHaul } from './haul.ts';
import { passingOver } from './passing-over.ts';
import { type Answer, Race } from './race.ts';
import { haulFrom, planFor, usefulness } from './stage.ts';
import { haulBundle } from './stage-bundle.ts';
import type { StageOrder, StageTools } from './stage-order.ts';

/** What is under way already. */
interface Start {
  haul: Haul | null;
  /** A race among the servers before the first bundle, which may have an answer by now. */
  race: Race | null;
}

/**
 * Tries mirrors until one has brought everything. What one has brought whole when it breaks off, the next one goes on
 * from. Servers race; a bundle among them has its turn where the user named it, in a haul of its own.
 */
export async function haulFromMirrors(
  mirrors: readonly Mirror[],
  { haul: started, race }: Start,
  order: StageOrder,
  tools: StageTools,
): Promise<Haul | null> {
  const { entries, signal } = tools.contact;
  let haul = started;
  let left = mirrors;
  if (race !== null) {
    const raced = await haulByRace(race, haul, order, tools);
    if (raced.whole) return raced.haul;
    haul = raced.haul;
    // Left is, too, whoever had too many refs to be listed on a guess.
    left = left.filter((mirror) => !race.passedOver.has(mirror));
  }
  while (left.length > 0 && !signal.aborted) {
    const bundle = left.findIndex((mirror) => isBundleMirror(mirror, entries));
    const servers = bundle < 0 ? left : left.slice(0, bundle);
    const raced = await haulFromServers(servers, haul, order, tools);
    if (raced.whole || bundle < 0) return raced.haul;
    haul = raced.haul;
    left = left.slice(bundle);
    const hauled = haul?.refs.length ? null : await haulFromBundle(left, order, tools);
    if (hauled !== null) {
      await haul?.quarantine.remove();
      return hauled;
    }
    left = left.slice(1);
  }
  return haul;
}

async function haulFromBundle(
  mirrors: readonly Mirror[],
  order: StageOrder,
  tools: StageTools,
): Promise<Haul | null> {
  const same = withSameBundle(mirrors, tools.contact.entries);
  try {
    return await tools.hand.hold(mirrors[0] as Mirror, tools, (own) => haulBundle(same, order, own));
  } catch (error) {
    tools.contact.signal.throwIfAborted();
    tools.report.line(passingOver(mirrors[0] as Mirror, error, tools));
    return null;
  }
}

async function haulFromServers(
  servers: readonly Mirror[],
  started: Haul | null,
  order: StageOrder,
  tools: StageTools,
): Promise<{ haul: Haul | null; whole: boolean }> {
  const names = order.wanted.map(({ name }) => name);
  return haulByRace(new Race(servers, { names, format: order.format }, tools), started, order, tools);
}

async function haulByRace(
  race: Race,
  started: Haul | null,
  order: StageOrder,
  tools: StageTools,
): Promise<{ haul: Haul | null; whole: boolean }> {
  const judge = (answer: Answer) => usefulness(answer, order);
  let haul = started;
  for (let answer = await race.take(judge); answer !== null; answer = await race.take(judge)) {
    try {
      const plan = await planFor(answer, order, tools);
      haul ??= await openHaul(order, tools);
      await haulFrom(answer, plan, haul, order, tools);
      return { haul, whole: true };
    } catch (error) {
      answer.line.close();
      if (!tools.contact.signal.aborted) race.passOver(answer.mirror, error);
    }
  }
  return { haul, whole: false };
}
