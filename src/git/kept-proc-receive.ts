import { GamError } from '../errors.ts';
import { messages } from '../pkt-line/messages.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import {
  type ProcReceiveInput,
  parseProcReceiveAnswer,
  writeProcReceiveVersion,
  writePushOptions,
  writeRefUpdates,
} from '../protocol/proc-receive.ts';
import { parseProcReceiveReport, type RefReport } from '../protocol/proc-receive-report.ts';
import type { Environment } from './environment.ts';
import { type Exit, endGroup, type Started, startProcess } from './process.ts';

/** A proc-receive hook that is not gam's. */
export interface KeptHook {
  path: string;
  /** As receive-pack has made it. */
  env: Environment;
}

/** What came of it. */
export interface KeptAnswer {
  /** In any order, of those refs that the hook has told of. */
  reports: RefReport[];
  /** What went wrong with the hook, in the words of one who speaks of it; null for nothing. */
  wrong: string | null;
}

/** How it is asked. */
export interface AskKeptHook {
  /** Hex digits of an object id here. */
  oidLength: number;
  /** Ends the hook, and all that it has started; its reason is what goes for wrong then. */
  signal: AbortSignal;
  /** Given what the hook prints, as it is; resolves when more may come. */
  pass: (bytes: Buffer) => Promise<void>;
}

const linesOf = (packets: readonly Packet[]) => packets.map((packet) => packetLine(packet) ?? '');

/** Why it ended tells more, where that is known. */
const BROKEN_OFF = 'ended without a whole report';

// receive-pack's side of githooks(5), "proc-receive".
async function converse({ child }: Started, input: ProcReceiveInput, oidLength: number): Promise<KeptAnswer> {
  const { stdin, stdout } = child;
  const { atomic, updates, pushOptions } = input;
  if (stdin === null || stdout === null) return { reports: [], wrong: 'has no pipes' };
  const incoming = messages(stdout);
  stdin.write(writeProcReceiveVersion({ atomic, pushOptions: pushOptions !== null }));
  const answer = await incoming.next();
  if (answer.done === true) return { reports: [], wrong: BROKEN_OFF };
  const taken = parseProcReceiveAnswer(answer.value);
  if (taken === undefined) return { reports: [], wrong: 'speaks another version of the protocol' };
  stdin.write(writeRefUpdates(updates, oidLength));
  if (taken.pushOptions) stdin.write(writePushOptions(pushOptions ?? []));
  const told = await incoming.next();
  const { reports, odd } = parseProcReceiveReport(linesOf(told.value));
  if (told.done === true) return { reports, wrong: BROKEN_OFF };
  return { reports, wrong: odd === null ? null : 'reported what makes no sense' };
}

function wrongEnd({ status, signal }: Exit): string | null {
  if (signal !== null) return `was killed by ${signal}`;
  return status === 0 ? null : `ended with status ${status}`;
}

/** Passes on what the hook prints, until it has ended. Returns what is wrong with that end. */
async function lookOn({ child, exit }: Started, pass: AskKeptHook['pass']): Promise<string | null> {
  const passing = (async () => {
    for await (const chunk of child.stderr ?? []) await pass(chunk as Buffer);
  })().catch(() => undefined);
  const end = await exit.then(wrongEnd, () => 'cannot be started');
  await passing;
  return end;
}

/**
 * Asks the hook that stood where gam's stands to do commands, as receive-pack would ask it. It leads a process group of its own, so that
 * whatever it has started ends with it where it does not answer.
 *
 * @returns what it told until it ended, or was ended
 */
export async function askKeptHook(
  { path, env }: KeptHook,
  input: ProcReceiveInput,
  { oidLength, signal, pass }: AskKeptHook,
): Promise<KeptAnswer> {
  const started = startProcess(path, [], { env, stdio: 'pipe', detached: true });
  const { child, exit } = started;
  // One that does not read breaks the pipe; what it answers is what counts.
  child.stdin?.on('error', () => undefined);
  let answer: KeptAnswer = { reports: [], wrong: null };
  const conversation = (async () => {
    answer = await converse(started, input, oidLength).catch((error: unknown) => ({
      reports: [],
      wrong: error instanceof GamError ? 'does not speak the protocol' : BROKEN_OFF,
    }));
    // What more it may write is read by nobody, and must not hold it up.
    for (const stream of [child.stdin, child.stdout]) stream?.destroy();
  })();
  let end: () => void = () => undefined;
  const ended = new Promise<string>((resolve) => {
    end = () => {
      endGroup(child, exit);
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      // It must not outlive whoever asks, who is about to end.
      const over = () => resolve(String(signal.reason));
      exit.then(over, over);
    };
  });
  if (signal.aborted) end();
  else signal.addEventListener('abort', end, { once: true });
  try {
    const looked = Promise.all([lookOn(started, pass), conversation]);
    const looking = looked.then(([how]) =>
      answer.wrong === null || answer.wrong === BROKEN_OFF ? how : null,
    );
    const wrong = await Promise.race([looking, ended]);
    return { ...answer, wrong: wrong ?? answer.wrong };
  } finally {
    signal.removeEventListener('abort', end);
  }
}
