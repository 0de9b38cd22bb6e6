import { dataPacket, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';

/** One command of a push: a ref, and the ids it is to go from and to; null is none. */
export interface RefUpdate {
  ref: string;
  old: string | null;
  new: string | null;
}

/** What receive-pack tells the hook at the beginning (githooks(5), "proc-receive"). */
export interface ProcReceiveInput {
  /** Whether all commands are to be done, or none. */
  atomic: boolean;
  updates: RefUpdate[];
  /** What the pusher gave with --push-option (git-push(1)), in its order; null where that was not negotiated. */
  pushOptions: string[] | null;
}

/** What the hook can do of what receive-pack offers. */
export interface ProcReceiveCapabilities {
  atomic: boolean;
  pushOptions: boolean;
}

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const NONE = /^0+$/;

/**
 * Reads an object id; zeros are null.
 * @returns undefined for anything else
 */
export function parseOid(text: string): string | null | undefined {
  if (!OID.test(text)) return undefined;
  return NONE.test(text) ? null : text;
}

/**
 * Reads `<old-oid> SP <new-oid> SP <ref>`.
 * @returns null for anything else
 */
export function parseRefUpdate(line: string): RefUpdate | null {
  const [old = '', to = '', ...rest] = line.split(' ');
  const ref = rest.join(' ');
  const [from, next] = [parseOid(old), parseOid(to)];
  return from === undefined || next === undefined || ref === '' ? null : { ref, old: from, new: next };
}

/**
 * Writes the commands, as receive-pack does: without the end of a line.
 * @param oidLength hex digits of an object id here
 */
export function writeRefUpdates(updates: readonly RefUpdate[], oidLength: number): Buffer {
  const none = '0'.repeat(oidLength);
  return writePlainly(updates.map((update) => `${update.old ?? none} ${update.new ?? none} ${update.ref}`));
}

/** Writes the push options; they are read as they are. */
export function writePushOptions(pushOptions: readonly string[]): Buffer {
  return writePlainly(pushOptions);
}

function writePlainly(contents: readonly string[]): Buffer {
  return Buffer.concat([...contents.map((content) => dataPacket(content).raw), FLUSH.raw]);
}

/**
 * Reads the packets of the hook's first message, `version=1` with its capabilities; undefined where it is another version.
 */
export function parseProcReceiveVersion(packet: Packet | undefined): ProcReceiveCapabilities | undefined {
  const line = packet === undefined ? null : packetLine(packet);
  const [version, capabilities = ''] = (line ?? '').split('\0');
  if (version?.trim() !== 'version=1') return undefined;
  const words = capabilities.trim().split(' ');
  return { atomic: words.includes('atomic'), pushOptions: words.includes('push-options') };
}

/** Reads the hook's answer to that; one that names no version is of the first (receive-pack.c, run_proc_receive_hook). */
export function parseProcReceiveAnswer(packets: readonly Packet[]): ProcReceiveCapabilities | undefined {
  const named = packets.find((packet) => packetLine(packet)?.startsWith('version=') === true);
  return named === undefined ? { atomic: false, pushOptions: false } : parseProcReceiveVersion(named);
}

/** Writes the first message, and the hook's answer to it: the version, and what is offered. */
export function writeProcReceiveVersion({ atomic, pushOptions }: ProcReceiveCapabilities): Buffer {
  const words = [...(atomic ? ['atomic'] : []), ...(pushOptions ? ['push-options'] : [])];
  const version = words.length === 0 ? 'version=1' : `version=1\0${words.join(' ')}`;
  return Buffer.concat([linePacket(version).raw, FLUSH.raw]);
}
