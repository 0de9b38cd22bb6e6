import { FLUSH, linePacket } from '../pkt-line/encode.ts';
import { parseOid } from './proc-receive.ts';

/** What was done in the place of a command, as far as it differs from that; an id that is null is none. */
export interface DoneInstead {
  ref?: string;
  old?: string | null;
  new?: string | null;
  forced?: boolean;
}

/** What became of one command. */
export interface RefReport {
  ref: string;
  /** Why it was not done; null where it was. */
  refused: string | null;
  /** What was done in its place; hooks behind it, and the pusher, are told of these. */
  instead?: readonly DoneInstead[];
  /** True: receive-pack is to do it itself. */
  fallThrough?: boolean;
}

/** One line, in the words of a refusal: neither the end of a line nor of a packet. */
const REASON = 1000;

function optionsOf({ ref, forced, ...ids }: DoneInstead, none: string): string[] {
  const line = (key: string, value: string | null | undefined) =>
    value === undefined ? [] : [`option ${key} ${value ?? none}`];
  return [
    ...line('refname', ref),
    ...line('old-oid', ids.old),
    ...line('new-oid', ids.new),
    ...(forced === true ? ['option forced-update'] : []),
  ];
}

function linesOf({ ref, refused, instead = [], fallThrough }: RefReport, none: string): string[] {
  if (refused !== null) return [`ng ${ref} ${refused.replace(/\s+/g, ' ').slice(0, REASON)}`];
  if (fallThrough === true) return [`ok ${ref}`, 'option fall-through'];
  if (instead.length === 0) return [`ok ${ref}`];
  return instead.flatMap((done) => [`ok ${ref}`, ...optionsOf(done, none)]);
}

/**
 * Writes the hook's report (githooks(5), "proc-receive").
 * @param oidLength hex digits of an object id here
 */
export function writeProcReceiveReport(reports: readonly RefReport[], oidLength: number): Buffer {
  const none = '0'.repeat(oidLength);
  const lines = reports.flatMap((report) => linesOf(report, none));
  return Buffer.concat([...lines.map((line) => linePacket(line).raw), FLUSH.raw]);
}

/** No system has a longer path, and git no longer ref. */
const LONGEST_REF = 4096;

/** A report while it is read. */
interface Reading extends RefReport {
  instead: DoneInstead[];
}

// What git does not know it passes over, too (receive-pack.c, read_proc_receive_report).
function readOption(key: string, value: string, done: DoneInstead): void {
  const oid = parseOid(value);
  if (key === 'refname' && value !== '' && value.length <= LONGEST_REF) done.ref = value;
  else if (key === 'old-oid' && oid !== undefined) done.old = oid;
  else if (key === 'new-oid' && oid !== undefined) done.new = oid;
  else if (key === 'forced-update') done.forced = true;
}

/**
 * Reads the lines of a hook's report, as receive-pack does.
 * @returns what became of each ref, in order; and the first line that makes no sense, or null
 */
export function parseProcReceiveReport(lines: readonly string[]): {
  reports: RefReport[];
  odd: string | null;
} {
  const reports = new Map<string, Reading>();
  let odd: string | null = null;
  // Of the last `ok`: its ref, and what its options say of it.
  let last: { report: Reading; done: DoneInstead | null } | null = null;
  for (const line of lines) {
    const [, word = '', name = '', rest = ''] = /^(\S+) (\S+)(?: (.*))?$/s.exec(line) ?? [];
    if (word === 'option' && last !== null) {
      if (name === 'fall-through') last.report.fallThrough = true;
      else {
        if (last.done === null) last.report.instead.push((last.done = {}));
        readOption(name, rest, last.done);
      }
    } else if (word === 'ok' || word === 'ng') {
      const report = reports.get(name) ?? { ref: name, refused: null, instead: [] };
      reports.set(name, report);
      if (word === 'ng') report.refused ??= rest === '' ? 'failed' : rest;
      last = word === 'ok' ? { report, done: null } : null;
    } else {
      odd ??= line;
      last = null;
    }
  }
  return { reports: [...reports.values()].map(plainly), odd };
}

function plainly({ instead, ...report }: Reading): RefReport {
  const told = instead.filter((done) => Object.keys(done).length > 0);
  return told.length === 0 ? report : { ...report, instead: told };
}
