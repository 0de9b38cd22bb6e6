import { FLUSH, linePacket } from '../pkt-line/encode.ts';
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
  /** What the pusher gave with --push-option (git-push(1)), in its order. */
  pushOptions: string[];
}

/** What the hook can do of what receive-pack offers. */
export interface ProcReceiveCapabilities {
  atomic: boolean;
  pushOptions: boolean;
}

/** What became of one command. */
export interface RefReport {
  ref: string;
  /** Why it was not done; null where it was. */
  refused: string | null;
  /** What was done in its place; hooks behind it, and the pusher, are told of these. */
  instead?: readonly RefUpdate[];
}

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const NONE = /^0+$/;

/**
 * Reads `<old-oid> SP <new-oid> SP <ref>`.
 * @returns null for anything else
 */
export function parseRefUpdate(line: string): RefUpdate | null {
  const [old = '', to = '', ...rest] = line.split(' ');
  const ref = rest.join(' ');
  if (!OID.test(old) || !OID.test(to) || ref === '') return null;
  return { ref, old: NONE.test(old) ? null : old, new: NONE.test(to) ? null : to };
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

/** The hook's answer to the first message: the same version, and what was offered. */
export function writeProcReceiveVersion({ atomic, pushOptions }: ProcReceiveCapabilities): Buffer {
  const words = [...(atomic ? ['atomic'] : []), ...(pushOptions ? ['push-options'] : [])];
  const version = words.length === 0 ? 'version=1' : `version=1\0${words.join(' ')}`;
  return Buffer.concat([linePacket(version).raw, FLUSH.raw]);
}

/** One line, in the words of a refusal: neither the end of a line nor of a packet. */
const REASON = 1000;

function writeOptions(update: RefUpdate, none: string): Buffer[] {
  return [
    `option refname ${update.ref}`,
    `option old-oid ${update.old ?? none}`,
    `option new-oid ${update.new ?? none}`,
  ].map((line) => linePacket(line).raw);
}

/**
 * Writes the hook's report.
 * @param oidLength hex digits of an object id here
 */
export function writeProcReceiveReport(reports: readonly RefReport[], oidLength: number): Buffer {
  const none = '0'.repeat(oidLength);
  const packets = reports.flatMap(({ ref, refused, instead = [] }) => {
    if (refused !== null)
      return [linePacket(`ng ${ref} ${refused.replace(/\s+/g, ' ').slice(0, REASON)}`).raw];
    const done = linePacket(`ok ${ref}`).raw;
    return instead.length === 0 ? [done] : instead.flatMap((update) => [done, ...writeOptions(update, none)]);
  });
  return Buffer.concat([...packets, FLUSH.raw]);
}
