import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { printable } from '../protocol/text.ts';
import type { Places } from './places.ts';

/** Why a member could not be brought up to date when that was last tried. */
export interface Failure {
  /** In milliseconds since the epoch. */
  at: number;
  /** One line. */
  reason: string;
}

/** Notes it, in the place of what was noted of that member before. */
export function noteFailure({ failures }: Places, member: string, reason: string): void {
  mkdirSync(failures, { recursive: true });
  const draft = join(failures, `.${member}`);
  writeFileSync(draft, `${Date.now()} ${printable(reason, 1000)}\n`);
  renameSync(draft, join(failures, member));
}

/** Whatever was wrong is over. */
export function clearFailure({ failures }: Places, member: string): void {
  rmSync(join(failures, member), { force: true });
}

/** What is wrong with a member; null for nothing that is known. */
export function failureOf({ failures }: Places, member: string): Failure | null {
  try {
    const [, at, reason] = /^([0-9]{1,15}) (.*)$/m.exec(readFileSync(join(failures, member), 'utf8')) ?? [];
    return at === undefined || reason === undefined ? null : { at: Number(at), reason };
  } catch {
    return null;
  }
}
