import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endWithUs } from '../../../src/git/lifeline.ts';

const WATCHER = fileURLToPath(new URL('watcher.js', import.meta.url));

/** Ticks of a processor's clock in a second, as proc(5) counts; so on every Linux. */
const TICKS = 100;

/** What a watching process says. */
interface Message {
  ready?: number;
  paths?: string[];
  error?: string;
  children?: number;
}

/** A process that watches a folder, and what it has told. */
export class Subject {
  readonly told = new Map<string, number>();
  readonly errors: string[] = [];
  readonly #child: ChildProcess;
  readonly #callOff: () => void;
  #last: Message = {};

  constructor(way: string, top: string, entry: string | undefined) {
    this.#child = fork(WATCHER, [way, top, ...(entry === undefined ? [] : [entry])], {
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#callOff = endWithUs(this.#child.pid ?? 0);
    this.#child.on('message', (message: Message) => {
      for (const path of message.paths ?? []) this.told.set(path, Date.now());
      if (message.error !== undefined) this.errors.push(message.error);
      this.#last = { ...this.#last, ...message };
    });
  }

  get #pid(): number {
    return this.#child.pid ?? 0;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until something holds, but not longer than `ms`; whether it did. */
  async until(holds: () => boolean, ms: number): Promise<boolean> {
    for (const end = Date.now() + ms; Date.now() < end && this.isAlive; await pause(2))
      if (holds()) return true;
    return holds();
  }

  /** Milliseconds until it watched. */
  async ready(): Promise<number> {
    if (!(await this.until(() => this.#last.ready !== undefined, 120_000)))
      throw new Error(`it never watched: ${this.errors.join('; ')}`);
    return this.#last.ready ?? 0;
  }

  /** Waits until nothing has been told for `ms`. */
  async quiet(ms: number): Promise<void> {
    for (let seen = -1; seen !== this.told.size; await pause(ms)) seen = this.told.size;
  }

  /** Has it start as many processes, one after the other, and hear of their ends. */
  async children(count: number): Promise<void> {
    this.#child.send({ children: count });
    await this.until(() => this.#last.children === count, 60_000);
  }

  /** In kilobytes: what it holds, and the most that it has held (proc(5), VmRSS and VmHWM). */
  memory(): { now: number; most: number } {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    const size = (name: string) => Number(new RegExp(`^${name}:\\s+([0-9]+)`, 'm').exec(status)?.[1]);
    return { now: size('VmRSS'), most: size('VmHWM') };
  }

  /** How many watches of inotify it holds. */
  watches(): number {
    const folder = `/proc/${this.#pid}/fdinfo`;
    return readdirSync(folder)
      .map((fd) => readFileSync(`${folder}/${fd}`, 'utf8').match(/^inotify /gm)?.length ?? 0)
      .reduce((sum, count) => sum + count, 0);
  }

  /** Seconds of a processor that it has used. */
  busy(): number {
    const fields = readFileSync(`/proc/${this.#pid}/stat`, 'latin1')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  }

  /** Holds it up, as a machine that sleeps does, while something goes on. */
  heldUp(work: () => void): void {
    this.#child.kill('SIGSTOP');
    try {
      work();
    } finally {
      this.#child.kill('SIGCONT');
    }
  }

  async end(): Promise<void> {
    if (this.isAlive) {
      this.#child.kill('SIGKILL');
      await new Promise((resolve) => this.#child.once('exit', resolve));
    }
    this.#callOff();
  }
}
