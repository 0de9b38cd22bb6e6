// biome-ignore-all assist/source/organizeImports: early.ts comes first, to start something while the rest loads
import { guess, leadIn } from './early.ts';
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { GamError } from '../errors.ts';
import { processesEnded } from '../git/process.ts';
import { printable } from '../protocol/text.ts';
import { CommandLines } from '../remote-helper/command-lines.ts';
import type { HelperProcess } from '../remote-helper/context.ts';
import { Hand } from '../remote-helper/hand.ts';
import { runHelper } from '../remote-helper/helper.ts';
import { Report } from '../remote-helper/report.ts';
import { runSweeper } from '../remote-helper/sweeper.ts';
import { openTrace } from '../trace/trace.ts';
import { keepStandardError } from './keep-standard-error.ts';
import { joinLeaveLine } from './leave-line.ts';
import { VERSION } from './version.ts';

/** How long an interrupted helper may take to end its children before it goes without them. */
const LAST_MS = 3000;

const USAGE = `usage: git-remote-mirror <remote> <url>

This is started by git for URLs of the form mirror::<url>; see 'gam --help'.`;

function reply(text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
}

function helperProcess(interrupt: AbortController): HelperProcess {
  return {
    env: process.env,
    cwd: process.cwd(),
    pid: process.pid,
    ppid: process.ppid,
    self: [process.execPath, process.argv[1] ?? ''],
    interrupt,
    guess,
    leadIn,
    streams() {
      // git gone away shows as EPIPE here and as the end of standard input; the latter is acted on.
      process.stdout.on('error', () => interrupt.abort());
      process.stdin.on('error', () => interrupt.abort());
      return { input: process.stdin, output: process.stdout };
    },
  };
}

const NOBODY = { holds: () => undefined, broke: () => undefined };

/**
 * @param line the path of the line to `gam clone` or `gam fetch`; undefined without them
 * @param gone called when that command has been killed
 */
function openHand(report: Report, line: string | undefined, gone: () => void): Hand {
  const hand: Hand = new Hand({
    ...(line === undefined ? NOBODY : joinLeaveLine(line, () => hand.leave(), gone)),
    tell: (message) => {
      if (process.stderr.isTTY) report.typed();
      report.line(message);
    },
  });
  return hand;
}

async function help(remote: string, url: string): Promise<number> {
  const interrupt = new AbortController();
  let interrupted: NodeJS.Signals | null = null;
  const line = process.env['GAM_LEAVE_LINE'];
  const stop = (signal: NodeJS.Signals) => {
    // What Ctrl-C means, the command above says.
    if (interrupted !== null || (signal === 'SIGINT' && line !== undefined)) return;
    interrupted = signal;
    interrupt.abort();
    setTimeout(() => process.exit(128 + constants.signals[signal]), LAST_MS).unref();
  };
  // Not once(): Ctrl-C comes twice, from the terminal and again from the `git remote-mirror` that started
  // this process, and the second must not end it in the middle of cleaning up.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const report = new Report();
  const tools = {
    lines: new CommandLines(0),
    reply,
    report,
    // Where `gam clone` was killed alone, as by `timeout -s KILL`, git would otherwise clone on without it, and whoever
    // runs the command again would find the folder taken.
    hand: openHand(report, line, () => stop('SIGHUP')),
    trace: openTrace(process.env['GAM_TRACE'], process.pid),
  };
  try {
    return await runHelper({ remote, url }, helperProcess(interrupt), tools);
  } catch (error) {
    if (interrupted !== null) return 128 + constants.signals[interrupted as NodeJS.Signals];
    if (interrupt.signal.aborted) return 1;
    // git has gone and reads no answers any more.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 128;
    if (!(error instanceof GamError)) throw error;
    process.stderr.write(`fatal: ${printable(error.message)}\n`);
    if (error.suggestion !== undefined) process.stderr.write(`gam: ${printable(error.suggestion)}\n`);
    return 128;
  }
}

// What passes through lives for a moment only, outside of V8's heap, and goes when its young generation is
// collected. Left to grow to 16 MiB, that happens so rarely that 40 MiB of dead buffers pile up.
setFlagsFromString('--semi-space-growth-factor=1');

keepStandardError();

async function main(first: string | undefined, second: string | undefined): Promise<number> {
  if (first === '--version') {
    process.stdout.write(`gam ${VERSION}\n`);
    return 0;
  }
  if (first === '--sweep' && second !== undefined) {
    await runSweeper(second, process.stdin, process.pid, process.env);
    return 0;
  }
  if (first !== undefined && second !== undefined) {
    const status = await help(first, second);
    await processesEnded();
    return status;
  }
  process.stderr.write(`${USAGE}\n`);
  return 129;
}

main(process.argv[2], process.argv[3]).then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(error);
    process.exit(128);
  },
);
