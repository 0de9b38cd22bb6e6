import { GamError } from '../errors.ts';
import { gitOutput, type RunOptions, runGit } from './run.ts';
import { listRefs, type RefSwap, type SwapOptions, swapRefs } from './swap-refs.ts';

/** A repository in which members keep what they agree on, and this one's way to it. */
export interface ArbiterOptions extends RunOptions {
  url: string;
  /** Proves a push to be a member's. */
  prove: (swaps: readonly RefSwap[]) => readonly string[];
}

/** Refs of another repository as a small store: texts and object ids by name, changed by compare-and-swap. */
export class Arbiter {
  readonly #options: ArbiterOptions;

  constructor(options: ArbiterOptions) {
    this.#options = options;
  }

  /** @see listRefs */
  async list(prefixes: readonly string[]): Promise<Map<string, string>> {
    const { url, ...run } = this.#options;
    return listRefs(url, prefixes, run);
  }

  /** @see swapRefs */
  async swap(swaps: readonly RefSwap[]): Promise<boolean> {
    const { prove, url, ...run } = this.#options;
    const options: SwapOptions = { ...run, pushOptions: prove(swaps) };
    return swapRefs(url, swaps, options);
  }

  /** Makes a text an object, for a ref to name. */
  async write(text: string): Promise<string> {
    return (await gitOutput(['hash-object', '-w', '--stdin'], { ...this.#options, input: text })).trim();
  }

  /**
   * Reads the text that a ref there names.
   * @returns null where it is gone meanwhile, or is no text
   */
  async read(ref: string, oid: string): Promise<string | null> {
    const here = await this.#blob(oid);
    if (here !== null) return here;
    // A dry run brings the objects, and writes no ref.
    const fetch = ['fetch', '--dry-run', '--quiet', '--no-tags', '--no-recurse-submodules', '--refmap='];
    await runGit(['-c', 'gc.auto=0', ...fetch, '--', this.#options.url, ref], {
      ...this.#options,
      talks: true,
    });
    return this.#blob(oid);
  }

  async #blob(oid: string): Promise<string | null> {
    const { status, stdout } = await runGit(['cat-file', 'blob', oid], this.#options);
    return status === 0 ? stdout : null;
  }
}

/** Whether nothing is known of how a swap went. */
export function isUncertain(error: unknown): boolean {
  return error instanceof GamError && error.code === 'member-unreachable';
}
