import { GamError } from '../errors.ts';
import type { Mirror } from '../mirror/mirror.ts';
import { fastestRival, isResting, isSuccessor, lineUp, type Rival } from '../mirror/outpaced.ts';
import { nextStart } from '../mirror/pace.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import { type MirrorContact, type MirrorLine, openMirror } from '../transport/mirror-line.ts';
import { Alarms } from './alarms.ts';
import { listMirrorRefs } from './mirror-refs.ts';
import { Outpaced } from './outpaced.ts';
import { passingOver, refuse } from './passing-over.ts';
import { elsewhere, type StageTools } from './stage-order.ts';

/** What a mirror answered: an open line, and where the refs that it was asked for stand with it. */
export interface Answer {
  mirror: Mirror;
  line: MirrorLine;
  refs: ReadonlyMap<string, string>;
}

/** The answer that won. */
export interface Winner extends Answer {
  /** Who could go on in its place, if it turns out far slower; null when nobody is known, or it was left before. */
  rival: Rival | null;
}

/** What mirrors are asked for. */
export interface Question {
  /** Names of refs; or prefixes of many, when what is wanted is not yet known. */
  names: readonly string[];
  /** The hash that the objects must have; null when that is not yet known either. */
  format: string | null;
}

/**
 * How useful an answer is: the share of what is wanted that the mirror has.
 * @throws GamError with `tryElsewhere` when it is of no use
 */
export type Judge = (answer: Answer) => number;

/** A mirror on its way, or with an answer that nobody has taken yet. */
interface Runner {
  mirror: Mirror;
  started: number;
  /** True once the mirror has spoken. */
  open: boolean;
  answer: Answer | null;
  /** Ends its line, with every process behind it. */
  drop: AbortController;
}

interface Best {
  runner: Runner;
  share: number;
}

/**
 * A race among mirrors over the real protocol. They start in their order, as pace.ts says; where one fails the
 * next starts at once. Who does not win is dropped, and may run again when the winner disappoints. Silent mirrors
 * cost one `gam.connectTimeout` in all: when that is over and none has spoken, canonical serves alone.
 */
export class Race {
  /** Mirrors that failed; the user has been told. */
  readonly passedOver = new Set<Mirror>();
  readonly #tools: StageTools;
  readonly #question: Question;
  #left: Mirror[];
  #runners: Runner[] = [];
  #next: NodeJS.Timeout | undefined;
  #wake: () => void = () => undefined;
  /** False as long as nobody waits for a winner. */
  #taking = false;

  constructor(mirrors: readonly Mirror[], question: Question, tools: StageTools) {
    this.#left = lineUp(mirrors, tools.departures);
    this.#question = question;
    this.#tools = tools;
  }

  /** Has mirrors start before it is known what is wanted. The first answer holds the others back until it is taken. */
  begin(): void {
    this.#schedule();
  }

  /** Ends every line of a race that nobody will take. */
  abandon(): void {
    this.#dropAllBut(null);
  }

  /**
   * Waits for the winner: the first answer that has all that is wanted. One that has less lets the next mirror
   * start at once, and waits `gam.raceDelay` for a better one.
   * @returns null when no mirror is left, or the run is interrupted
   */
  async take(judge: Judge): Promise<Winner | null> {
    const { contact, departures } = this.#tools;
    const { signal, settings } = contact;
    const wake = () => this.#wake();
    const alarms = new Alarms(wake);
    signal.addEventListener('abort', wake);
    alarms.set('silent', settings.connectTimeout);
    let best: Best | null = null;
    this.#taking = true;
    if (this.#runners.length === 0) this.#schedule();
    try {
      for (;;) {
        best = this.#bestOf(judge, best);
        const willing = this.#left.some((one) => best === null || !isResting(one, departures));
        if (best !== null && best.share < 1 && alarms.set('better', settings.raceDelay) && willing)
          this.#start();
        const waiting = this.#runners.some(({ answer }) => answer === null) || willing;
        if (signal.aborted || best?.share === 1 || alarms.has('better') || !waiting) break;
        if (alarms.has('silent') && !this.#runners.some(({ open }) => open)) {
          this.#giveUp();
          break;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.#taking = false;
      alarms.clear();
      signal.removeEventListener('abort', wake);
      this.#dropAllBut(best?.runner ?? null);
    }
    const answer = best?.runner.answer ?? null;
    if (signal.aborted || answer === null) return null;
    const rival = departures.has(answer.mirror) ? null : fastestRival(this.#left, departures);
    return { ...answer, rival };
  }

  /** Takes a mirror out for good, or, where a faster one comes first, until nobody else serves; tells the user why. */
  passOver(mirror: Mirror, error: unknown): void {
    if (error instanceof Outpaced) {
      this.#tools.departures.set(mirror, error.rival);
      this.#left = lineUp([...this.#left, mirror], this.#tools.departures);
    } else {
      this.passedOver.add(mirror);
    }
    this.#tools.report.line(passingOver(mirror, error, this.#tools));
  }

  // Starts the next mirror, now or when its time has come.
  #schedule(): void {
    clearTimeout(this.#next);
    const [next] = this.#left;
    if (next === undefined) return;
    const silent = this.#runners.filter(({ answer }) => answer === null);
    const { departures } = this.#tools;
    // Before one that rests, everybody is preferred.
    const runs = silent.map(({ started, mirror }) => ({
      started,
      preferred: mirror.preferred || isSuccessor(mirror, departures) || isResting(next, departures),
    }));
    const now = performance.now();
    const wait = nextStart(runs, this.#tools.contact.settings) - now;
    if (wait > 0) this.#next = setTimeout(() => this.#due(), wait);
    else this.#start();
  }

  #due(): void {
    if (this.#taking || !this.#runners.some(({ answer }) => answer !== null)) this.#start();
  }

  #start(): void {
    const mirror = this.#left.shift();
    if (mirror === undefined) return;
    const drop = new AbortController();
    const runner: Runner = { mirror, started: performance.now(), open: false, answer: null, drop };
    this.#runners.push(runner);
    void this.#run(runner);
    this.#schedule();
  }

  async #run(runner: Runner): Promise<void> {
    const { contact } = this.#tools;
    const signal = AbortSignal.any([contact.signal, runner.drop.signal]);
    try {
      runner.answer = await this.#asked(runner, { ...contact, signal });
    } catch (error) {
      if (signal.aborted) return;
      const endless = error instanceof GamError && error.code === 'mirror-endless';
      // So many refs are asked for by their names, once it is known which are wanted.
      this.#remove(runner, endless && this.#question.format === null ? null : error);
    }
    this.#wake();
  }

  async #asked(runner: Runner, contact: MirrorContact): Promise<Answer> {
    const { mirror } = runner;
    const { trace } = this.#tools;
    const { names, format } = this.#question;
    refuse(mirror);
    trace('mirror-try', { site: mirror.site });
    const line = await openMirror(mirror.url, contact);
    runner.open = true;
    try {
      trace('mirror-open', { site: mirror.site, ms: Math.round(line.latency) });
      const theirs = objectFormat(line.advertisement);
      if (theirs !== (format ?? theirs)) throw elsewhere('mirror-unusable', `has ${theirs} objects`);
      return { mirror, line, refs: await listMirrorRefs(line, names, contact.settings) };
    } catch (error) {
      line.close();
      throw error;
    }
  }

  #bestOf(judge: Judge, before: Best | null): Best | null {
    let best = before;
    for (const runner of this.#runners.filter(({ answer }) => answer !== null)) {
      try {
        const share = judge(runner.answer as Answer);
        if (best === null || share > best.share) best = { runner, share };
      } catch (error) {
        runner.answer?.line.close();
        this.#remove(runner, error);
      }
    }
    return best;
  }

  /** @param error why it is passed over; null when it is only not for this race */
  #remove(runner: Runner, error: unknown): void {
    this.#runners = this.#runners.filter((other) => other !== runner);
    if (error !== null) this.passOver(runner.mirror, error);
    this.#start();
  }

  #giveUp(): void {
    const within = `within ${this.#tools.contact.settings.connectTimeout / 1000} s`;
    for (const { mirror } of this.#runners) {
      this.passOver(mirror, new GamError('mirror-slow', `no answer ${within}`, { tryElsewhere: true }));
    }
    const untried = this.#left.splice(0);
    for (const mirror of untried) this.passedOver.add(mirror);
    if (untried.length > 0)
      this.#tools.report.line(`no mirror answered ${within}; ${untried.length} more were not tried`);
  }

  #dropAllBut(winner: Runner | null): void {
    clearTimeout(this.#next);
    const dropped = this.#runners.filter((runner) => runner !== winner);
    this.#runners = [];
    for (const { drop, answer } of dropped) {
      drop.abort();
      answer?.line.close();
    }
    const line = [...dropped.map(({ mirror }) => mirror), ...this.#left];
    this.#left = lineUp(line, this.#tools.departures);
  }
}
