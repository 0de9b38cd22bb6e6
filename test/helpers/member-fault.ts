import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a push does, as member-fault.cjs finds it in what its process does with git. `any` is the start of any git. */
export const STEPS = ['offer', 'lock', 'prepare', 'commit', 'local', 'move', 'release', 'report'] as const;

/** Harm that the next process of a member does at a moment. */
export interface Order {
  /** `push`: the next hook that takes a user's push; `hook`: the next one, perhaps one that does what a member asks. */
  process: 'push' | 'hook' | 'worker';
  when: 'before' | 'during' | 'after';
  step: (typeof STEPS)[number] | 'any';
  /** From 1. */
  number: number;
  /** The process itself, the git that has started it (receive-pack), or the git that it starts there. */
  target: 'self' | 'parent' | 'child';
  signal: 'SIGKILL' | 'SIGSTOP';
  /** With SIGSTOP: when it goes on. */
  resumeMs?: number;
}

const MODULE = fileURLToPath(new URL('member-fault.cjs', import.meta.url));

/** Orders for the processes of one member. */
export class MemberFaults {
  readonly #folder: string;
  #given = 0;

  /** @param folder to be made */
  constructor(folder: string) {
    this.#folder = folder;
    this.clear();
  }

  /** The environment of the member's processes. */
  get env(): Record<string, string> {
    return { NODE_OPTIONS: `--require=${MODULE}`, GAM_FAULT_FOLDER: this.#folder };
  }

  give(order: Order): void {
    this.#given += 1;
    const name = `${order.process}-${String(this.#given).padStart(4, '0')}`;
    writeFileSync(join(this.#folder, name), JSON.stringify(order));
  }

  /** Shifts the clock of processes that begin from now on. */
  shiftClock(ms: number): void {
    writeFileSync(join(this.#folder, 'clock'), String(ms));
  }

  /** The harm that was done. */
  get done(): string[] {
    const file = join(this.#folder, 'done');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** `<pid> <when> <step> <number>`, as they came. */
  get moments(): string[] {
    const file = join(this.#folder, 'moments');
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  /** Takes back what nobody has taken, and forgets what was done. */
  clear(): void {
    // Somebody who is at work may just be writing there.
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    mkdirSync(this.#folder, { recursive: true });
  }
}
