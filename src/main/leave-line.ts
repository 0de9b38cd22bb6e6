import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive, processName } from '../git/alive.ts';
import type { HandEvents } from '../remote-helper/hand.ts';

/**
 * The line between `gam clone` or `gam fetch` and the helpers under it, a socket whose path is in the environment:
 * a helper says `held`, `broke` and `free`, and hears `leave`. Each is a line. Several helpers may be at work, as for submodules.
 */
const HELD = 'held\n';
const FREE = 'free\n';
const BROKE = 'broke\n';
const LEAVE = 'leave\n';

/** Its folder; the name goes on with its owner's. */
const PREFIX = 'gam-line-';

/** Told of the mirrors under a command. */
export interface LineEvents {
  /** A helper has one in hand. */
  held(): void;
  /** One has broken off, or was left. */
  broke(): void;
}

/** The end of the line that the command holds. */
export class LeaveLine {
  readonly path: string;
  readonly #folder: string;
  readonly #server: Server;
  readonly #helpers = new Set<Socket>();
  /** Helpers that have a mirror in hand. */
  readonly #holding = new Set<Socket>();

  readonly #events: LineEvents;

  private constructor(folder: string, path: string, events: LineEvents) {
    this.#folder = folder;
    this.path = path;
    this.#events = events;
    this.#server = createServer((helper) => this.#greet(helper));
  }

  /** Opens it in a folder of its own, which nobody else may enter; removes those that killed commands left. */
  static async open(events: LineEvents): Promise<LeaveLine> {
    await removeLeftLines();
    const folder = await mkdtemp(join(tmpdir(), `${PREFIX}${processName(process.pid)}-`));
    const line = new LeaveLine(folder, join(folder, 'line'), events);
    try {
      await new Promise<void>((resolve, reject) => {
        line.#server.once('error', reject);
        line.#server.listen(line.path, resolve);
      });
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
    return line;
  }

  /** Has every mirror in hand left; false when there is none. */
  leave(): boolean {
    for (const helper of this.#holding) helper.write(LEAVE);
    return this.#holding.size > 0;
  }

  async close(): Promise<void> {
    for (const helper of this.#helpers) helper.destroy();
    this.#server.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #greet(helper: Socket): void {
    this.#helpers.add(helper);
    helper.setEncoding('utf8');
    // What matters is how the helper stands now.
    helper.on('data', (text: string) => {
      if (text.includes(HELD)) this.#events.held();
      if (text.includes(BROKE)) this.#events.broke();
      if (text.endsWith(HELD)) this.#holding.add(helper);
      else this.#holding.delete(helper);
    });
    helper.on('error', () => undefined);
    helper.once('close', () => {
      this.#helpers.delete(helper);
      this.#holding.delete(helper);
    });
  }
}

/** Removes the folders of lines whose command was killed. */
export async function removeLeftLines(): Promise<void> {
  const among = tmpdir();
  for (const name of await readdir(among).catch(() => [])) {
    if (!name.startsWith(PREFIX) || isAlive(name.slice(PREFIX.length)) !== false) continue;
    // It may be another user's.
    await rm(join(among, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/**
 * Opens the helper's end.
 * @param leave called when the mirror in hand is to be left
 * @param gone called when the command has ended before its helper, which happens when it is killed outright
 * @returns tells the command what becomes of it
 */
export function joinLeaveLine(path: string, leave: () => void, gone: () => void): Omit<HandEvents, 'tell'> {
  const line = connect(path);
  // Where it cannot be reached, nobody asks; that is no reason to stay, nor to fail.
  line.on('error', () => undefined);
  line.on('data', leave);
  line.on('end', gone);
  line.unref();
  const say = (message: string) => {
    if (line.writable) line.write(message);
  };
  return { holds: (something) => say(something ? HELD : FREE), broke: () => say(BROKE) };
}
