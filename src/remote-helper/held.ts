import type { FetchRequest } from '../protocol/fetch-request.ts';
import { hasArgument } from '../protocol/fetch-request.ts';
import type { AdvertisedRef } from '../protocol/ls-refs.ts';
import type { Completion } from './completion.ts';
import { type HelperContext, stageTools } from './context.ts';
import { type HeadStart, noHeadStart } from './head-start.ts';
import { type Holding, stageRequest } from './hold.ts';
import { throwIfInterrupted } from './interrupted.ts';
import { rememberForLazy } from './lazy.ts';
import { isRoutable } from './routable.ts';
import { routeRequest } from './route.ts';
import type { Routed } from './route-to-mirror.ts';
import type { ServerList } from './server-list.ts';
import type { Session } from './session.ts';
import type { OwnAnswer } from './session-events.ts';
import { prepareSweep, type Sweep } from './sweep-behind.ts';

/** What came of git's request while it was held. */
export interface Held {
  /** Settles when the request goes on, or must not. */
  over: Promise<unknown> | null;
  /** Whether git has nothing to build on. */
  clone: boolean;
  holding: Holding | null;
  sweep: Promise<Sweep> | null;
  /** What a mirror sent for the very request. */
  routed: Routed | null;
}

/** Who is at hand while a request is held. */
export interface Hands {
  context: HelperContext;
  session: Session;
  list: ServerList;
  headStart: HeadStart;
  /** The git command, as processName() calls it; null when unknown. */
  git: Promise<string | null>;
  /** Makes an answer of what a mirror sent for the very request. */
  answer: (routed: Routed) => OwnAnswer;
}

/**
 * Has mirrors do what they can for a request that is held.
 * @returns what is to become of it: SessionEvents.hold()
 */
export async function serveHeld(
  held: Held,
  request: FetchRequest,
  truth: { refs: readonly AdvertisedRef[]; has: (oids: readonly string[]) => Promise<boolean> },
  hands: Hands,
): Promise<Completion | OwnAnswer | null> {
  const { context, session, list, headStart } = hands;
  const { process: own, trace } = context;
  trace('request-held');
  held.clone = !hasArgument(request, 'have');
  await list.beforeStaging(session);
  const { mirrors } = context;
  const routable = isRoutable(request);
  if (routable) {
    await headStart.abandon();
    held.routed = await routeRequest(request, truth, mirrors, context.ahead, stageTools(context));
    await rememberForLazy(context, request, held.routed !== null, session.advertisement);
  } else await stageHeld(held, request, truth.refs, hands);
  await list.answered();
  await list.advise();
  await throwIfInterrupted(own.interrupt.signal);
  trace('request-released');
  if (routable) return held.routed && hands.answer(held.routed);
  return held.holding?.completion ?? null;
}

async function stageHeld(
  held: Held,
  request: FetchRequest,
  refs: readonly AdvertisedRef[],
  { context, session, list, headStart, git }: Hands,
): Promise<void> {
  const tools = stageTools(context);
  held.holding = await stageRequest(request, refs, context.mirrors, headStart, tools);
  while (held.holding === null) {
    const added = await list.more(session);
    if (added.length === 0) return;
    held.holding = await stageRequest(request, refs, added, noHeadStart(context), tools);
  }
  const { holding } = held;
  // While git takes in what it gets. Without a sweeper, as on a full disk, the next helper sweeps.
  held.sweep = prepareSweep(context, holding, await git).catch(
    () => () => holding.staged.quarantine.remove(),
  );
}
