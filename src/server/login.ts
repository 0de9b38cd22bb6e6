import { createHmac, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { GamError } from '../errors.ts';
import { printable } from '../protocol/text.ts';
import { wordsOf } from './beforehand.ts';
import type { isPasswordOf } from './check-password.ts';
import { type Htpasswd, parseHtpasswd } from './htpasswd.ts';

/** So many logins are remembered as good. */
const REMEMBERED = 1000;

/** Takes user and password out of `Authorization: Basic ...` (RFC 7617); null when there are none. */
export function basicCredentials(header: string | undefined): { user: string; password: string } | null {
  const [, encoded] = /^basic +([A-Za-z0-9+/=]+) *$/i.exec(header ?? '') ?? [];
  const text = encoded === undefined ? '' : Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Who may log in: an htpasswd file, which is read again when it has changed. */
export class Login {
  readonly #file: string;
  readonly #warn: (line: string) => void;
  readonly #isPasswordOf: typeof isPasswordOf;
  readonly #key = randomBytes(32);
  // A clone is several requests, and bcrypt is slow on purpose: what was found good is known by a keyed digest.
  readonly #good = new Set<string>();
  #users: Htpasswd = new Map();
  #seen = '';
  #trouble: string | null = null;
  #checking: Promise<unknown> = Promise.resolve();

  private constructor(file: string, warn: (line: string) => void, check: typeof isPasswordOf) {
    this.#file = file;
    this.#isPasswordOf = check;
    this.#warn = warn;
  }

  /**
   * Reads the file.
   * @param warn is told when it turns out unreadable later; until it is in order, it counts as it was
   * @throws GamError `bad-htpasswd`
   */
  static async open(file: string, warn: (line: string) => void): Promise<Login> {
    const { isPasswordOf: check } = await import('./check-password.ts');
    const login = new Login(file, warn, check);
    await login.#read();
    return login;
  }

  /** Who asks, by the header `Authorization`; null for nobody who may. */
  async userOf(header: string | undefined): Promise<string | null> {
    const given = basicCredentials(header);
    if (given === null) return null;
    await this.#readAgain();
    const own = this.#users.get(given.user);
    // Of somebody else, where nobody knows the user, so that the time it takes does not tell.
    const [hash = own] = own === undefined ? this.#users.values() : [own];
    if (hash === undefined) return null;
    const mark = createHmac('sha256', this.#key)
      .update(JSON.stringify([given, hash]))
      .digest('base64');
    if (this.#good.has(mark)) return given.user;
    // One after another: guesses, however many, leave the server its time for others.
    const checked = this.#checking.then(() => this.#isPasswordOf(given.password, hash));
    this.#checking = checked.catch(() => undefined);
    if (!(await checked) || own === undefined) return null;
    if (this.#good.size >= REMEMBERED) this.#good.clear();
    this.#good.add(mark);
    return given.user;
  }

  async #readAgain(): Promise<void> {
    const trouble = await this.#read().catch((error: Error) => error.message);
    if (trouble !== undefined && trouble !== this.#trouble) this.#warn(trouble);
    this.#trouble = trouble ?? null;
  }

  async #read(): Promise<void> {
    try {
      const { mtimeMs, ctimeMs, size, ino } = await stat(this.#file);
      const seen = [mtimeMs, ctimeMs, size, ino].join();
      if (seen === this.#seen) return;
      const text = await readFile(this.#file, 'utf8');
      this.#users = parseHtpasswd(text, this.#file);
      this.#seen = seen;
    } catch (cause) {
      if (cause instanceof GamError) throw cause;
      const message = `cannot read ${printable(this.#file)}, the file of logins: ${wordsOf(cause)}`;
      throw new GamError('bad-htpasswd', message, {
        suggestion: 'name a file that htpasswd has written',
        cause,
      });
    }
  }
}
