import { openSync, writeSync } from 'node:fs';
import { printable } from '../protocol/text.ts';

/** Writes one line per step when GAM_TRACE asks for it; does nothing otherwise. */
export type Trace = (step: string, facts?: Readonly<Record<string, string | number | boolean>>) => void;

/**
 * Makes the trace that GAM_TRACE names: `1` is standard error, anything else a file that is appended to.
 * Lines are written at once, so that the last one before a crash tells where it happened. A file that
 * cannot be opened traces nothing: a diagnostic must not fail a fetch.
 */
export function openTrace(setting: string | undefined, pid: number): Trace {
  if (setting === undefined || setting === '' || setting === '0') return () => undefined;
  let fd: number;
  try {
    fd = setting === '1' ? 2 : openSync(setting, 'a', 0o644);
  } catch {
    return () => undefined;
  }
  return (step, facts = {}) => {
    const words = Object.entries(facts).map(([name, value]) => ` ${name}=${printable(String(value))}`);
    try {
      writeSync(fd, `gam-trace: ${pid} ${step}${words.join('')}\n`);
    } catch {
      // The reader of the trace is gone, or the disk is full.
    }
  };
}
