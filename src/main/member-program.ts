import { realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { HookProgram } from '../replica/hook-scripts.ts';
import { VERSION } from './version.ts';

/** What the hooks of a member start, and what works behind them: it is beside whatever runs now. */
export function memberProgram(): HookProgram {
  const started = realpathSync(process.argv[1] ?? '.');
  return { node: process.execPath, program: join(started, '../member.js'), version: VERSION };
}
