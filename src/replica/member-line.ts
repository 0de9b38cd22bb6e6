import { randomBytes } from 'node:crypto';
import { GamError } from '../errors.ts';
import { pushRequest } from '../git/push-request.ts';
import type { RunOptions } from '../git/run.ts';
import { redactUrl } from '../protocol/redact.ts';
import type { Performed } from './perform.ts';
import { isProof, prove } from './proof.ts';
import { type Answer, type Operation, parseAnswers, writeRequest } from './request.ts';

/** A way to ask a member. */
export interface MemberLine {
  /**
   * @param objects go along, with all that they lead to
   * @throws GamError `member-unreachable`, `member-refused`
   */
  ask(operation: Operation, objects?: readonly string[]): Promise<Answer>;
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>;
}

/** What a line to another member is made of. */
export interface LineOptions extends RunOptions {
  /** This member. */
  from: string;
  secret: string;
  /** Of object ids. */
  format: 'sha1' | 'sha256';
  /** For so long the other side may be silent, in milliseconds. */
  patienceMs: number;
}

/** This member itself. */
export class OwnLine implements MemberLine {
  readonly #perform: (operation: Operation) => Promise<Performed>;

  /** @param work does what is asked */
  constructor(work: (operation: Operation) => Promise<Performed>) {
    this.#perform = work;
  }

  async ask(operation: Operation): Promise<Answer> {
    return (await this.#perform(operation)).answer;
  }

  async idle(): Promise<void> {}
}

interface Asked {
  operation: Operation;
  objects: readonly string[];
  resolve: (answer: Answer) => void;
  reject: (error: unknown) => void;
}

/**
 * A line to another member: a push for each request. What is asked at the same moment goes in one, since each takes as long as a push
 * and the start of a program over there.
 */
export class PushLine implements MemberLine {
  readonly #url: string;
  readonly #options: LineOptions;
  #asked: Asked[] = [];
  readonly #sending = new Set<Promise<void>>();

  constructor(url: string, options: LineOptions) {
    this.#url = url;
    this.#options = options;
  }

  ask(operation: Operation, objects: readonly string[] = []): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#asked.push({ operation, objects, resolve, reject });
      if (this.#asked.length === 1) setImmediate(() => this.#begin());
    });
  }

  async idle(): Promise<void> {
    while (this.#sending.size > 0) await Promise.all(this.#sending);
  }

  #begin(): void {
    const sent = this.#send().finally(() => this.#sending.delete(sent));
    this.#sending.add(sent);
  }

  async #send(): Promise<void> {
    const asked = this.#asked;
    this.#asked = [];
    try {
      const answers = await this.#request(asked);
      for (const [index, { resolve }] of asked.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  async #request(asked: readonly Asked[]): Promise<Answer[]> {
    const { from, secret, format, patienceMs, ...run } = this.#options;
    const nonce = randomBytes(8).toString('hex');
    const text = writeRequest({ from, nonce, operations: asked.map(({ operation }) => operation) });
    const proof = prove(secret, 'request', text);
    const objects = asked.flatMap((one) => one.objects);
    const { lines, proof: answered } = await pushRequest(
      { url: this.#url, format, text, proof, objects },
      run,
      patienceMs,
    );
    const answers = parseAnswers(lines);
    const expected = prove(secret, 'answer', `${proof}\n${lines.join('\n')}`);
    if (answers !== null && answers.length === asked.length && isProof(answered, expected)) return answers;
    const shown = redactUrl(this.#url);
    throw new GamError('member-unreachable', `${shown} answers what no member of this group would`, {
      url: shown,
      suggestion: 'see whether both have the same secret, and the same version of gam',
    });
  }
}
