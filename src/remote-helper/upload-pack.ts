import { gitCommandPid } from '../git/parent.ts';
import { startProcess } from '../git/process.ts';
import { accountLine } from '../mirror/account.ts';
import { mirrorHost } from '../mirror/mirror.ts';
import type { Connection } from '../transport/connection.ts';
import type { HelperContext } from './context.ts';
import { type Holding, stageRequest } from './hold.ts';
import { Session, type SessionEnd } from './session.ts';
import { type SweepJob, writeSweepJob } from './sweeper.ts';

/** The process that sweeps behind this one; it waits for the end of its standard input. */
interface Sweeper {
  pid: number;
  tell(line: string): void;
}

/**
 * Runs one upload-pack conversation with mirrors in play: stages when git asks for objects, hands the rest
 * to canonical, tells the account, and leaves a sweeper behind.
 *
 * @returns the exit status of canonical's side
 */
export async function runUploadPack(
  context: HelperContext,
  canonical: Connection,
  reopen: (() => Promise<Connection>) | null,
): Promise<number> {
  const { process: own, mirrors, report, trace } = context;
  const tools = {
    contact: {
      entries: context.entries,
      env: own.env,
      settings: context.settings,
      signal: own.interrupt.signal,
    },
    report,
    trace,
    pid: own.pid,
  };
  let holding: Holding | null = null;
  let sweeper: Sweeper | null = null;
  const session = new Session(own.streams(), canonical, {
    async hold(request, refs) {
      trace('request-held');
      holding = await stageRequest(request, refs, mirrors, own.cwd, tools);
      if (holding) sweeper = await startSweeper(context, holding);
      trace('request-released');
      return holding?.completion ?? null;
    },
    hungUp: () => own.interrupt.abort(),
    reopen,
  });
  const end = await session.run();
  if (holding) settle(context, holding, sweeper, end);
  return end.exit.status ?? 128;
}

function settle(context: HelperContext, holding: Holding, sweeper: Sweeper | null, end: SessionEnd): void {
  const { mirror, bytes } = holding.staged;
  context.trace('session-over', { completed: end.completed });
  if (end.completed) {
    context.report.line(accountLine(mirrorHost(mirror.url), bytes, end.bytes));
    sweeper?.tell('completed');
  } else {
    const kept = `what came from ${mirrorHost(mirror.url)} is kept, unverified, under refs/mirror/${mirror.site}/`;
    context.report.line(`canonical did not finish; ${kept} (see gam status)`);
  }
}

// Started while git still waits, so that it is warm when git has promoted; it acts once this process ends.
async function startSweeper(context: HelperContext, holding: Holding): Promise<Sweeper | null> {
  const { process: own, settings, trace } = context;
  if (settings.sweep !== 'after') {
    await holding.staged.quarantine.remove();
    return null;
  }
  const { repository, staged, wanted, completion } = holding;
  const job: SweepJob = {
    gitDir: repository.gitDir,
    objects: repository.objects,
    refs: staged.refs,
    wanted: [...new Set(wanted)],
    format: completion.format,
    parent: await gitCommandPid(own.ppid),
  };
  const [command, ...args] = own.self;
  await writeSweepJob(staged.quarantine.folder, job);
  const { child } = startProcess(command, [...args, '--sweep', staged.quarantine.folder], {
    env: repository.env,
    cwd: '/',
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  child.stdin?.on('error', () => undefined);
  child.unref();
  if (child.pid !== undefined) await staged.quarantine.handOver(child.pid);
  trace('sweeper-started');
  return { pid: child.pid ?? 0, tell: (line) => child.stdin?.write(`${line}\n`) };
}
