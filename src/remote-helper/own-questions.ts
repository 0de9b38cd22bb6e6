import type { Packet } from '../pkt-line/packet.ts';
import { type FetchRequest, writeFetchRequest } from '../protocol/fetch-request.ts';
import { type Listener, OwnQuestion } from './own-question.ts';
import { question } from './question.ts';
import type { ReopeningLine } from './reopening-line.ts';

/** Questions of gam's own in git's conversation with canonical. */
export class OwnQuestions {
  /** The capability lines of git's last request: those of gam's own are worded alike. */
  wording: readonly string[] = [];
  readonly #line: ReopeningLine;
  readonly #fail: (error: unknown) => void;

  /** @param fail called where a question ends the conversation, since canonical's line cannot be opened anew */
  constructor(line: ReopeningLine, fail: (error: unknown) => void) {
    this.#line = line;
    this.#fail = fail;
  }

  /**
   * Asks canonical something, before anything that git asks from now on, and without waiting for anything.
   * Whatever becomes of it, git's conversation goes on, over another line where this one breaks of it.
   *
   * @param word words the request, given the capability lines of git's own
   * @param end ends the question, and with it the line, unless it has been answered before
   * @returns whether canonical has answered to the end, and did not refuse
   */
  ask(
    word: (wording: readonly string[]) => Packet[],
    listener: Listener,
    end: AbortSignal,
  ): Promise<boolean> {
    if (this.#line.gone) return Promise.resolve(false);
    return new Promise((resolve) => {
      const heard = (granted: boolean) => {
        end.removeEventListener('abort', drop);
        resolve(granted);
      };
      const drop = () => {
        this.#line.drop();
        // Also where the session has come to its end of something else, and nobody follows the line any more.
        heard(false);
      };
      end.addEventListener('abort', drop);
      const own = new OwnQuestion(listener, heard, true);
      this.#send(word(this.wording), 'own', own).catch(this.#fail);
    });
  }

  /**
   * Asks canonical whether it would send these objects.
   * @param request the request of git's that waits for it
   */
  async has(request: FetchRequest, oids: readonly string[]): Promise<boolean> {
    // Nobody is left to be asked; the session ends only when the request itself is on its way.
    if (this.#line.lost) return false;
    return new Promise((heard, reject) => {
      const own = new OwnQuestion(null, heard, false);
      this.#send(writeFetchRequest(question(request, oids)), 'fetch', own).catch(reject);
    });
  }

  #send(packets: readonly Packet[], command: string, own: OwnQuestion): Promise<void> {
    return this.#line.send(packets, { command, request: null, pack: false, hides: null, own });
  }
}
