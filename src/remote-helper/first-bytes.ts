import { type BundleHeader, BundleHeaderReader, badBundle } from '../protocol/bundle-header.ts';

/** A list of 256 bundles takes a tenth of this. */
const LONGEST_LIST = 1024 ** 2;

/** Where a configuration file must have come to its first section. */
const SECTION_WITHIN = 4096;

const BUNDLE = '# v';
const LIST = /^(?:\s|[#;][^\n]*\n)*\[bundle[\]\s"]/i;

/** A beginning that may still become one: blanks, comments, and half a line. */
const MAYBE_LIST = /^(?:\s|[#;][^\n]*\n)*(?:[#;][^\n]*|\[[^\]\n"]*)?$/;

/** Tells from the first bytes of a file what it is: a bundle by its first line, a list of bundles by its first section. */
export class FirstBytes {
  /** The header of a bundle, once it is whole. */
  header: BundleHeader | null = null;
  #reader: BundleHeaderReader | null = null;
  #text: Buffer[] = [];
  #length = 0;

  /**
   * Takes the next bytes; those at 0 are the beginning, also when it comes again.
   * @returns true when nothing more needs to be seen
   * @throws GamError `bad-bundle` when it is neither
   */
  push(bytes: Buffer, at: number): boolean {
    if (at === 0) {
      this.header = null;
      this.#reader = null;
      this.#text = [];
      this.#length = 0;
    }
    if (this.#reader === null) {
      this.#text.push(bytes);
      this.#length += bytes.length;
      if (this.#length > LONGEST_LIST) throw badBundle('is a list of more than a megabyte');
    }
    this.header = this.#bundle(bytes);
    return this.header !== null;
  }

  /** The text of a list, to be asked for when the file is whole; null for a bundle. */
  get list(): string | null {
    return this.#reader === null ? Buffer.concat(this.#text).toString() : null;
  }

  #bundle(bytes: Buffer): BundleHeader | null {
    if (this.#reader !== null) return this.#reader.push(bytes);
    if (this.#length < BUNDLE.length) return null;
    const start = Buffer.concat(this.#text).toString('latin1', 0, SECTION_WITHIN);
    if (start.startsWith(BUNDLE)) {
      this.#reader = new BundleHeaderReader();
      return this.#reader.push(Buffer.concat(this.#text.splice(0)));
    }
    const undecided = this.#length < SECTION_WITHIN && MAYBE_LIST.test(start);
    if (!undecided && !LIST.test(start)) throw badBundle('is neither a bundle nor a list of bundles');
    return null;
  }
}
