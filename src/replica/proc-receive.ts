import { REQUEST_REFS } from '../git/push-request.ts';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import {
  type ProcReceiveInput,
  parseProcReceiveVersion,
  parseRefUpdate,
  type RefReport,
  type RefUpdate,
  writeProcReceiveReport,
  writeProcReceiveVersion,
} from '../protocol/proc-receive.ts';
import { printable } from '../protocol/text.ts';
import { answerRequest } from './answer-request.ts';
import { receivePush } from './receive.ts';
import type { Replica } from './replica.ts';

/** What receive-pack gives the hook. */
export interface ProcReceiveIo {
  input: AsyncIterable<Buffer>;
  /** Resolves when it is written, or cannot be. */
  write: (bytes: Buffer) => Promise<void>;
  /** Prints a line that the pusher sees. */
  tell: (line: string) => void;
  signal: AbortSignal;
}

/** The messages that come, each up to its flush. */
async function* messages(input: AsyncIterable<Buffer>): AsyncGenerator<Packet[]> {
  const decoder = new PacketDecoder();
  let message: Packet[] = [];
  for await (const chunk of input)
    for (const packet of decoder.push(chunk)) {
      if (packet.kind === 'data') message.push(packet);
      else {
        yield message;
        message = [];
      }
    }
}

/** Reads a conversation of receive-pack with its hook (githooks(5), "proc-receive"), up to the commands. */
async function readCommands({ input, write }: ProcReceiveIo): Promise<ProcReceiveInput | null> {
  const incoming = messages(input);
  const next = async () => ((await incoming.next()).value as Packet[] | undefined) ?? [];
  const offered = parseProcReceiveVersion((await next())[0]);
  if (offered === undefined) return null;
  await write(writeProcReceiveVersion(offered));
  const updates = (await next()).flatMap((packet) => parseRefUpdate(packetLine(packet) ?? '') ?? []);
  const pushOptions = offered.pushOptions ? (await next()).map((packet) => packetLine(packet) ?? '') : [];
  return { atomic: offered.atomic, updates, pushOptions };
}

/**
 * Answers receive-pack for its proc-receive hook: pushes of users go to all primaries, requests of members are done.
 * @returns whether receive-pack spoke as it should
 */
export async function procReceive(replica: Replica, io: ProcReceiveIo): Promise<boolean> {
  const commands = await readCommands(io);
  if (commands === null) return false;
  const { atomic, updates, pushOptions } = commands;
  const isRequest = ({ ref }: RefUpdate) => ref.startsWith(REQUEST_REFS);
  const [asked, pushed] = [updates.filter(isRequest), updates.filter((update) => !isRequest(update))];
  const tell = (line: string) => io.tell(`gam: ${printable(line)}`);
  const reports: RefReport[] = [];
  if (asked.length > 0) reports.push(...(await answerRequest(replica, asked, pushOptions, io.tell)));
  if (pushed.length > 0)
    reports.push(...(await receivePush(replica, pushed, { atomic, tell, signal: io.signal })));
  await io.write(writeProcReceiveReport(reports, replica.format === 'sha1' ? 40 : 64));
  return true;
}
