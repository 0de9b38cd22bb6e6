import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Sandbox } from './sandbox.ts';

/** Something that the helper, or its sweeper, does in a run. */
export interface Moment {
  role: 'helper' | 'sweeper';
  /**
   * `trace`: right after the line of a step was written; `change`: right before a change to the file
   * system; `spawn`: right before a child is started.
   */
  kind: 'trace' | 'change' | 'spawn';
  /** From 1, for each role and kind. */
  number: number;
  /** What tells it from the others in another run: a step and how often it was there, or else the number. */
  key: string;
  /** The step, the change or the command; for people, since some differ from run to run. */
  name: string;
}

/** Who gets a signal: the process itself, the child that was to start, git, or the whole process group. */
export type Target = 'self' | 'child' | 'git' | 'group';

const MODULE = new URL('moment.cjs', import.meta.url);

/** The environment in which gam's processes are watched; the trace goes to a file of the sandbox. */
export function watched(sandbox: Sandbox): Record<string, string> {
  return { NODE_OPTIONS: `--require=${fileURLToPath(MODULE)}`, GAM_TRACE: sandbox.path('trace.log') };
}

/** The environment in which a signal is sent at a moment. */
export function signalAt(
  sandbox: Sandbox,
  { role, kind, key }: Moment,
  signal: NodeJS.Signals,
  target: Target,
): Record<string, string> {
  return { ...watched(sandbox), GAM_TEST_AT: `${role} ${kind} ${key} ${signal} ${target}` };
}

function parseMoment(line: string): Moment {
  const [role = '', kind = '', number = '', key = '', ...name] = line.split(' ');
  return { role, kind, number: Number(number), key, name: name.join(' ') } as Moment;
}

/**
 * Learns from one uninterrupted run which moments there are.
 * @param run gets the environment to start git with, and waits until all is over
 */
export async function learnMoments(
  sandbox: Sandbox,
  run: (env: Record<string, string>) => Promise<void>,
): Promise<Moment[]> {
  const log = sandbox.path('moments.log');
  await run({ ...watched(sandbox), GAM_TEST_MOMENTS: log });
  const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n').filter(Boolean) : [];
  rmSync(log, { force: true });
  return lines.map(parseMoment);
}

/** A moment in words, for messages. */
export function describeMoment({ role, kind, number, name }: Moment): string {
  return `${role} ${kind} ${number}: ${name}`;
}

/** Picks moments of one kind; of two helpers, as when git comes back for tags, those of the first. */
export function momentsOf(moments: readonly Moment[], role: Moment['role'], kind: Moment['kind']): Moment[] {
  const those = moments.filter((moment) => moment.role === role && moment.kind === kind);
  const second = those.findIndex(({ number }, index) => index > 0 && number === 1);
  return second < 0 ? those : those.slice(0, second);
}

/**
 * Every third one, and the last. To be killed at all of them, in each way, takes CI longer than it has: GAM_EVERY_MOMENT=1 does so.
 */
export function everyThird(moments: readonly Moment[]): readonly Moment[] {
  if (process.env['GAM_EVERY_MOMENT'] === '1') return moments;
  return moments.filter((_, n) => n % 3 === 0 || n === moments.length - 1);
}
