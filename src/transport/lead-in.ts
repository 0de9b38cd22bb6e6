import { readFileSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants } from 'node:os';
import { type Exit, endWith } from '../git/process.ts';
import type { WebHelper } from './web.ts';

/** What git and its web helper have said to each other while this program was loading. */
export interface Said {
  /** git's lines that were passed on, and have had their answers, all but one that opens canonical's line. */
  passed: string[];
  /** A line that is for gam to answer; null where there is none yet. */
  asked: string | null;
  /** When the last of them came, in milliseconds since the epoch; null when it is not known. */
  at: number | null;
  /** False where the web helper ended in the middle of it. */
  whole: boolean;
}

/** Reads what the launcher wrote down. */
export function parseSaid(text: string): Said {
  const said: Said = { passed: [], asked: null, at: null, whole: false };
  for (const line of text.split('\n')) {
    const [kind = ''] = line.split(' ');
    const rest = line.slice(kind.length + 1);
    if (kind === 'passed') said.passed.push(rest);
    if (kind === 'asked') said.asked = rest;
    if (kind !== 'until') continue;
    said.whole = true;
    if (Number(rest) > 0) said.at = 1000 * Number(rest);
  }
  return said;
}

/** Reads how the web helper ended: `<status> <signal>`, in numbers; nothing when nobody was left to tell. */
export function parseEnded(text: string): Exit {
  const [, status, signal] = /^([0-9]+) ([0-9]+)\n$/.exec(text) ?? ['', '', '9'];
  if (status !== '' && signal === '0') return { status: Number(status), signal: null };
  const named = Object.entries(constants.signals).find(([, number]) => number === Number(signal));
  return { status: null, signal: (named?.[0] ?? 'SIGKILL') as NodeJS.Signals };
}

/** A web helper that the launcher has started (bin/lead-in.pl). */
export interface LeadIn {
  /** What was started, to be compared with what is wanted. */
  words: readonly string[];
  /** Waits until git and the web helper have said to each other what needs nobody else, and takes over from there. */
  take(): { said: Said; web: WebHelper };
  /** Ends it, if it still runs. */
  end(): void;
}

/**
 * Joins what the launcher has begun.
 *
 * @param handed the launcher's word for it: the descriptors of the web helper's standard input and output, of what was
 *   said, of how it ended, and of a line for orders; null is returned for anything else
 * @param words what it was started with
 */
export function joinLeadIn(handed: string | undefined, words: readonly string[]): LeadIn | null {
  if (handed === undefined || !/^[0-9]+(?:,[0-9]+){4}$/.test(handed)) return null;
  const [asks = 0, answers = 0, told = 0, ended = 0, orders = 0] = handed.split(',').map(Number);
  const exit = textOf(new Socket({ fd: ended, writable: false })).then(parseEnded);
  let over = false;
  const end = () => {
    if (!over) endWith((signal) => order(orders, signal.replace('SIG', '')), exit);
    over = true;
  };
  return {
    words,
    take() {
      const said = parseSaid(readFileSync(told, 'utf8'));
      // Not before: node takes pipes in a way that would confuse whoever else still reads them.
      const output = new Socket({ fd: answers, writable: false });
      const input = new Socket({ fd: asks, readable: false });
      input.on('error', () => undefined);
      return { said, web: { words, input, output, exit, end, leave: () => order(orders, 'leave') } };
    },
    end,
  };
}

function order(line: number, word: string): void {
  try {
    writeSync(line, `${word}\n`);
  } catch {
    // Whoever was to do it has ended, and so has the web helper.
  }
}

async function textOf(stream: Socket): Promise<string> {
  let text = '';
  for await (const chunk of stream) text += String(chunk);
  return text;
}
