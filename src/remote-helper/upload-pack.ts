import { isAlive, processName } from '../git/alive.ts';
import { gitCommandPid } from '../git/parent.ts';
import { accountLine } from '../mirror/account.ts';
import { mirrorHost } from '../mirror/mirror.ts';
import type { Connection } from '../transport/connection.ts';
import { beginCutRoute } from './begin-route.ts';
import { withoutCanonical } from './canonical-down.ts';
import { clearBehind, untilGone } from './clear-behind.ts';
import type { HelperContext } from './context.ts';
import { beginHeadStart, type HeadStart } from './head-start.ts';
import { type Held, serveHeld } from './held.ts';
import type { Holding } from './hold.ts';
import { throwIfInterrupted } from './interrupted.ts';
import { PublishedList } from './published-list.ts';
import { rememberSeen } from './remember-seen.ts';
import type { Routed } from './route-to-mirror.ts';
import { ServerList } from './server-list.ts';
import { Session } from './session.ts';
import type { OwnAnswer, SessionEnd } from './session-events.ts';
import { settleSurplus } from './settle-surplus.ts';
import { type Sweep, sweepOlder } from './sweep-behind.ts';

/** How canonical's line ends where nobody waits for its end. */
const ENDED = { status: 0, signal: null };

/**
 * Runs one upload-pack conversation with mirrors in play: stages when git asks for objects, hands the rest
 * to canonical, tells the account, and leaves a sweeper behind.
 *
 * @param reopen opens canonical's line again
 * @param begun a head start that is under way already
 * @returns the exit status of canonical's side
 */
export async function runUploadPack(
  context: HelperContext,
  canonical: Connection,
  reopen: () => Promise<Connection>,
  begun: HeadStart,
): Promise<number> {
  const { process: own, trace } = context;
  const list = new ServerList(context);
  const published = new PublishedList(context);
  let headStart = begun;
  let closing = false;
  const held: Held = { over: null, clone: false, holding: null, sweep: null, routed: null };
  // Asked for now: once git is gone, nothing tells any more who it was.
  const git = gitCommandPid(own.ppid).then((pid) => (pid === null ? null : processName(pid)));
  let remembered: Promise<void> | null = null;
  let silent = false;
  // With that git has all that it waits for, and indexes it while this process clears up.
  const answer = (routed: Routed): OwnAnswer => ({
    async send(output, stateless) {
      await routed.answer.send(output, stateless);
      routed.close().catch(() => undefined);
      const { greeted } = session;
      remembered = rememberSeen(context, held, { exit: ENDED, completed: true, bytes: 0, greeted });
    },
  });
  // A clone of which nobody knew a mirror.
  const beginLate = async () => {
    if (closing || held.over !== null || context.mirrors.length === 0) return;
    headStart = beginHeadStart(context);
    const ahead = context.ahead === null ? await beginCutRoute(context) : null;
    // git's request may have come meanwhile, and gone another way.
    if (closing || held.over !== null) await ahead?.abandon();
    else context.ahead ??= ahead;
  };
  const session = new Session(own.streams(), canonical, {
    async listing() {
      const knewNone = context.mirrors.length === 0;
      const asking = await list.beforeRefs(session);
      if (knewNone) asking?.over.then(beginLate).catch(() => undefined);
    },
    seeks: () => published.isSought,
    listed: (commit) => published.listed(commit),
    hold(request, refs, has) {
      const hands = { context, session, list, headStart, git, answer };
      const over = serveHeld(held, request, { refs, has }, hands);
      held.over = over;
      return over;
    },
    failing: () => headStart.abandon(),
    async silent() {
      silent = true;
      await withoutCanonical(context, headStart, canonical.exit);
    },
    async ending() {
      const { holding } = held;
      if (!holding) return;
      const name = await git;
      // git has closed its side of the line long since, so only its process tells whether it still waits.
      const isWaiting = () => !own.interrupt.signal.aborted && (name === null || isAlive(name) !== false);
      await settleSurplus(holding.staged.surplus, holding.repository, trace, isWaiting);
    },
    leaving() {
      if (held.over !== null && !own.interrupt.signal.aborted) published.leaving(session);
    },
    served: () => published.served(),
    closed(greeted) {
      // A fetch with nothing new is the most frequent one, and is to take no longer than without gam.
      const nothingNew = { exit: ENDED, completed: false, bytes: 0, greeted };
      if (held.over !== null) return;
      list.settle(published.isKnown);
      // Lines to mirrors that were asked in vain end while canonical's does.
      headStart.abandon().catch(() => undefined);
      context.ready.leave();
      remembered = rememberSeen(context, held, nothingNew);
    },
    hungUp: () => own.interrupt.abort(),
    reopen() {
      own.interrupt.signal.throwIfAborted();
      return reopen();
    },
  });
  const { signal } = own.interrupt;
  signal.addEventListener('abort', () => session.close(), { once: true });
  try {
    const end = await session.run();
    // A Ctrl-C ends git's web helper, too, of which this process may have heard first.
    await throwIfInterrupted(signal);
    if (silent) return end.exit.status ?? 128;
    if (session.advertisement === null && end.exit.status === 0) {
      list.lacks();
      published.lacks();
    }
    await published.settle();
    list.settle(published.isKnown);
    await list.tell();
    if (held.routed?.told && end.completed) {
      const { mirror, bytes } = held.routed;
      context.report.line(accountLine(new Map([[mirrorHost(mirror.url), bytes]]), end.bytes));
    }
    if (held.holding) await settle(context, held.holding, await held.sweep, end);
    // A small staging is swept without a sweeper; what earlier runs have left is promoted only once git goes on.
    if (held.holding?.small !== false && (await context.left) > 0)
      await sweepOlder(context, await git).catch(() => undefined);
    await (remembered ?? rememberSeen(context, held, end));
    return end.exit.status ?? 128;
  } catch (error) {
    // The lines may break before staging has cleaned up behind itself, and this process must not end first.
    await held.over?.catch(() => undefined);
    // Whoever interrupts a fetch wants nothing of it.
    await (await held.sweep)?.(signal.aborted);
    throw error;
  } finally {
    closing = true;
    await published.abandon();
    await held.routed?.close();
    await headStart.abandon();
    await context.ahead?.abandon();
    context.ready.leave();
    if (signal.aborted) await untilGone(await git);
    await clearBehind(own, held.holding?.staged.surplus.packs ?? []);
  }
}

async function settle(
  context: HelperContext,
  holding: Holding,
  sweep: Sweep | null,
  end: SessionEnd,
): Promise<void> {
  const { sources } = holding.staged;
  const hosts = new Map([...sources].map(([mirror, bytes]) => [mirrorHost(mirror.url), bytes]));
  context.trace('session-over', { completed: end.completed });
  if (end.completed) {
    context.report.line(accountLine(hosts, end.bytes));
  } else {
    const kept = `what came from ${[...hosts.keys()].join(' and ')} is kept, unverified, under refs/mirror/`;
    context.report.line(`canonical did not finish; ${kept} (see gam status)`);
  }
  await sweep?.(end.completed);
}
