import type { KeptHook } from '../git/kept-proc-receive.ts';
import { REQUEST_REFS } from '../git/push-request.ts';
import { messages } from '../pkt-line/messages.ts';
import { packetLine } from '../pkt-line/packet.ts';
import {
  type ProcReceiveInput,
  parseProcReceiveVersion,
  parseRefUpdate,
  type RefUpdate,
  writeProcReceiveVersion,
} from '../protocol/proc-receive.ts';
import { type RefReport, writeProcReceiveReport } from '../protocol/proc-receive-report.ts';
import { printable } from '../protocol/text.ts';
import { answerRequest } from './answer-request.ts';
import { isPublished } from './group.ts';
import { receivePush } from './receive.ts';
import type { Replica } from './replica.ts';
import { MIXED_ATOMIC, receiveUnpublished, type Unpublished } from './unpublished.ts';

/** What receive-pack gives the hook. */
export interface ProcReceiveIo {
  input: AsyncIterable<Buffer>;
  /** Resolves when it is written, or cannot be. */
  write: (bytes: Buffer) => Promise<void>;
  /** Prints a line that the pusher sees. */
  tell: (line: string) => void;
  /** The same for bytes, as they are; resolves when more may come. */
  pass: (bytes: Buffer) => Promise<void>;
  /** The hook that stood here before gam's; null where none did. */
  kept: KeptHook | null;
  signal: AbortSignal;
}

/** Reads a conversation of receive-pack with its hook (githooks(5), "proc-receive"), up to the commands. */
async function readCommands({ input, write }: ProcReceiveIo): Promise<ProcReceiveInput | null> {
  const incoming = messages(input);
  const next = async () => {
    const { done, value } = await incoming.next();
    return done === true ? [] : value;
  };
  const offered = parseProcReceiveVersion((await next())[0]);
  if (offered === undefined) return null;
  await write(writeProcReceiveVersion(offered));
  const updates = (await next()).flatMap((packet) => parseRefUpdate(packetLine(packet) ?? '') ?? []);
  const pushOptions = offered.pushOptions ? (await next()).map((packet) => packetLine(packet) ?? '') : null;
  return { atomic: offered.atomic, updates, pushOptions };
}

const isRequest = ({ ref }: RefUpdate) => ref.startsWith(REQUEST_REFS);

/** Does what is the group's: pushes of users go to all primaries, requests of members are done. */
async function receiveOwn(
  replica: Replica,
  { atomic, updates, pushOptions }: ProcReceiveInput,
  io: ProcReceiveIo,
): Promise<RefReport[]> {
  const [asked, pushed] = [updates.filter(isRequest), updates.filter((update) => !isRequest(update))];
  const tell = (line: string) => io.tell(`gam: ${printable(line)}`);
  const reports: RefReport[] = [];
  if (asked.length > 0) reports.push(...(await answerRequest(replica, asked, pushOptions ?? [], io.tell)));
  if (pushed.length > 0)
    reports.push(...(await receivePush(replica, pushed, { atomic, tell, signal: io.signal })));
  return reports;
}

/** Has all commands done, each by whom it concerns. The reports are in the order of these. */
async function receiveAll(
  replica: Replica,
  input: ProcReceiveInput,
  io: ProcReceiveIo,
): Promise<Unpublished> {
  const { atomic, updates } = input;
  const isOwn = (update: RefUpdate) => isRequest(update) || isPublished(replica.group, update.ref);
  const owned = updates.filter(isOwn);
  const others = updates.filter((update) => !isOwn(update));
  if (atomic && owned.length > 0 && others.length > 0)
    return { reports: updates.map(({ ref }) => ({ ref, refused: MIXED_ATOMIC })), isWell: true };
  const own = receiveOwn(replica, { ...input, updates: owned }, io);
  // First, since it ends the hook that it has started when the other part fails.
  const rest = await receiveUnpublished(replica, { ...input, updates: others }, { ...io, own });
  const byRef = new Map([...(await own), ...rest.reports].map((report) => [report.ref, report]));
  return { reports: updates.flatMap(({ ref }) => byRef.get(ref) ?? []), isWell: rest.isWell };
}

/**
 * Answers receive-pack for its proc-receive hook: what is the group's is done with the other members, what is not by the hook that stood
 * here before, or by receive-pack.
 * @returns whether receive-pack and that hook spoke as they should; receive-pack is told by the exit status, and refuses what remains of
 *   an atomic push
 */
export async function procReceive(replica: Replica, io: ProcReceiveIo): Promise<boolean> {
  const commands = await readCommands(io);
  if (commands === null) return false;
  const { reports, isWell } = await receiveAll(replica, commands, io);
  await io.write(writeProcReceiveReport(reports, replica.format === 'sha1' ? 40 : 64));
  return isWell;
}
