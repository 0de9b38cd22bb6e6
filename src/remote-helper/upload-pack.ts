import { join, relative, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isAlive, processName } from '../git/alive.ts';
import { gitCommandPid } from '../git/parent.ts';
import { startProcess } from '../git/process.ts';
import { Quarantine } from '../git/quarantine.ts';
import { clearRemovedClone } from '../git/removed-clone.ts';
import { findRepository, type Repository } from '../git/repository.ts';
import { accountLine } from '../mirror/account.ts';
import { mirrorHost } from '../mirror/mirror.ts';
import { type FetchRequest, hasArgument } from '../protocol/fetch-request.ts';
import type { AdvertisedRef } from '../protocol/ls-refs.ts';
import type { Connection } from '../transport/connection.ts';
import { beginCutRoute } from './begin-route.ts';
import { withoutCanonical } from './canonical-down.ts';
import { type HelperContext, type HelperProcess, stageTools } from './context.ts';
import { beginHeadStart, type HeadStart, noHeadStart } from './head-start.ts';
import { type Holding, stageRequest } from './hold.ts';
import { throwIfInterrupted } from './interrupted.ts';
import { rememberForLazy } from './lazy.ts';
import { rememberSeen } from './remember-seen.ts';
import { isRoutable } from './routable.ts';
import { routeRequest } from './route.ts';
import type { Routed } from './route-to-mirror.ts';
import { ServerList } from './server-list.ts';
import { type OwnAnswer, Session, type SessionEnd } from './session.ts';
import { settleSurplus } from './settle-surplus.ts';
import { type SweepJob, sweepHere, writeSweepJob } from './sweeper.ts';

/**
 * Sweeps behind a staging, or sees to it.
 *
 * @param over whether the fetch needs nothing of it any more: canonical has answered, or somebody interrupted
 */
type Sweep = (over: boolean) => Promise<void>;

/** How canonical's line ends where nobody waits for its end. */
const ENDED = { status: 0, signal: null };

/** What came of git's request while it was held. */
interface Held {
  /** Settles when the request goes on, or must not. */
  over: Promise<unknown> | null;
  /** Whether git has nothing to build on. */
  clone: boolean;
  holding: Holding | null;
  sweep: Promise<Sweep> | null;
  /** What a mirror sent for the very request. */
  routed: Routed | null;
}

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
  let headStart = begun;
  let closing = false;
  const tools = stageTools(context);
  const held: Held = { over: null, clone: false, holding: null, sweep: null, routed: null };
  // Asked for now: once git is gone, nothing tells any more who it was.
  const git = gitCommandPid(own.ppid).then((pid) => (pid === null ? null : processName(pid)));
  const stage = async (
    request: FetchRequest,
    refs: readonly AdvertisedRef[],
    has: (oids: readonly string[]) => Promise<boolean>,
  ) => {
    trace('request-held');
    held.clone = !hasArgument(request, 'have');
    await list.beforeStaging(session);
    const { mirrors } = context;
    if (isRoutable(request)) {
      await headStart.abandon();
      held.routed = await routeRequest(request, { refs, has }, mirrors, context.ahead, tools);
      await rememberForLazy(context, request, held.routed !== null, session.advertisement);
      await list.answered();
      await list.advise();
      await throwIfInterrupted(own.interrupt.signal);
      trace('request-released');
      return held.routed === null ? null : { send: sendRouted(held.routed) };
    }
    held.holding = await stageRequest(request, refs, mirrors, headStart, tools);
    while (held.holding === null) {
      const added = await list.more(session);
      if (added.length === 0) break;
      held.holding = await stageRequest(request, refs, added, noHeadStart(context), tools);
    }
    const { holding } = held;
    if (holding) {
      // While git takes in what it gets. Without a sweeper, as on a full disk, the next helper sweeps.
      held.sweep = prepareSweep(context, holding, await git).catch(
        () => () => holding.staged.quarantine.remove(),
      );
    }
    await list.answered();
    await list.advise();
    await throwIfInterrupted(own.interrupt.signal);
    trace('request-released');
    return held.holding?.completion ?? null;
  };
  let remembered: Promise<void> | null = null;
  let silent = false;
  // With that git has all that it waits for, and indexes it while this process clears up.
  const sendRouted =
    (routed: Routed): OwnAnswer['send'] =>
    async (output, stateless) => {
      await routed.answer.send(output, stateless);
      routed.close().catch(() => undefined);
      const { greeted } = session;
      remembered = rememberSeen(context, held, { exit: ENDED, completed: true, bytes: 0, greeted });
    };
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
    hold(request, refs, has) {
      const over = stage(request, refs, has);
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
    closed(greeted) {
      // A fetch with nothing new is the most frequent one, and is to take no longer than without gam.
      const nothingNew = { exit: ENDED, completed: false, bytes: 0, greeted };
      if (held.over !== null) return;
      list.settle();
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
    if (session.advertisement === null && end.exit.status === 0) list.lacks();
    list.settle();
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
    await held.routed?.close();
    await headStart.abandon();
    await context.ahead?.abandon();
    context.ready.leave();
    if (signal.aborted) await untilGone(await git);
    await clearBehind(own, held.holding?.staged.surplus.packs ?? []);
  }
}

/** How long an interrupted git may take to remove a clone; where only this process was told, git waits for it. */
const REMOVAL_MS = 500;

async function untilGone(git: string | null): Promise<void> {
  if (git === null) return;
  for (const end = Date.now() + REMOVAL_MS; Date.now() < end && isAlive(git) !== false; ) await pause(20);
}

async function clearBehind({ env, cwd }: HelperProcess, packs: readonly string[]): Promise<void> {
  const named = env['GIT_DIR'];
  if (named === undefined) return;
  const gitDir = resolve(cwd, named);
  await clearRemovedClone({ gitDir, objects: join(gitDir, 'objects') }, packs).catch(() => undefined);
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

async function prepareSweep(context: HelperContext, holding: Holding, git: string | null): Promise<Sweep> {
  const { repository, staged, wanted, completion } = holding;
  const { refs, quarantine } = staged;
  const older = !context.fetchesMirrorRefs;
  const job = { refs, wanted: [...new Set(wanted)], format: completion.format, git, older };
  if (context.settings.sweep !== 'after') return () => quarantine.remove();
  if (holding.small) {
    return async (over) => {
      // What cannot be swept now, the next helper sweeps.
      if (over) await sweepHere({ ...job, ...repository }, { env: repository.env }).catch(() => undefined);
      await quarantine.remove();
      if (over) context.trace('swept-here');
    };
  }
  // Started while git still waits, so that it is warm when git has promoted; it acts once this process ends.
  const tell = await spawnSweeper(context, repository, quarantine, job);
  context.trace('sweeper-started');
  return async (over) => {
    if (over) tell('over');
  };
}

// What an earlier helper staged before it was killed, or before canonical broke off, is promoted by a fetch
// that stages nothing itself, and may not even ask for objects. It must not lie there until the fetch after.
async function sweepOlder(context: HelperContext, git: string | null): Promise<void> {
  const { process: own, settings, trace } = context;
  const repository = settings.sweep === 'after' ? findRepository(own.env, own.cwd) : null;
  if (repository === null) return;
  const quarantine = await Quarantine.open(repository.objects, own.pid);
  await spawnSweeper(context, repository, quarantine, {
    refs: [],
    wanted: [],
    format: 'sha1',
    git,
    older: true,
  });
  trace('sweeper-started');
}

async function spawnSweeper(
  { process: own }: HelperContext,
  { gitDir, objects, env }: Repository,
  quarantine: Quarantine,
  work: Omit<SweepJob, 'gitDir' | 'objects'>,
): Promise<(line: string) => void> {
  const [command, ...args] = own.self;
  // It works from within the git folder and by relative paths: a clone may be renamed as soon as git returns.
  const inside = (path: string) => relative(gitDir, path) || '.';
  await writeSweepJob(quarantine.folder, { ...work, gitDir: '.', objects: inside(objects) });
  const { child } = startProcess(command, [...args, '--sweep', inside(quarantine.folder)], {
    env: { ...env, GIT_DIR: '.' },
    cwd: gitDir,
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.stdin?.on('error', () => undefined);
  child.unref();
  if (child.pid !== undefined) await quarantine.handOver(child.pid);
  return (line) => child.stdin?.write(`${line}\n`);
}
