import { GamError } from '../errors.ts';
import { printable } from './text.ts';

/** What a bundle says of itself before its pack begins (gitformat-bundle(5)). */
export interface BundleHeader {
  version: 2 | 3;
  /** The hash of its object ids, `sha1` or `sha256`. */
  format: string;
  /** What was left out of it, as for `--filter`; null for a whole one. */
  filter: string | null;
  /** Commits that must be here already, with all they lead to. */
  prerequisites: string[];
  /** Its refs; names as they come, not judged. */
  refs: Map<string, string>;
  /** Bytes before the pack. */
  length: number;
}

/** A line holds an id and a ref name, or an id and the first line of a commit's message. */
const LONGEST_LINE = 64 * 1024;

/** A hundred thousand refs take about eight megabytes. */
const LONGEST_HEADER = 32 * 1024 ** 2;

const OID_LENGTH: Readonly<Record<string, number>> = { sha1: 40, sha256: 64 };

/** The error of what should be a bundle, or a list of bundles, and is not; the message is the reason, in a few words. */
export function badBundle(message: string): GamError {
  return new GamError('bad-bundle', message, { tryElsewhere: true });
}

/** Reads the header of a bundle, however the chunks fall; the pack behind it is not looked at. */
export class BundleHeaderReader {
  #pending: Buffer = Buffer.alloc(0);
  #length = 0;
  #header: BundleHeader | null = null;
  #whole = false;

  /**
   * Takes the next bytes.
   * @returns the header once it is whole, null before
   * @throws GamError `bad-bundle` when these are not the bytes of a bundle that gam understands
   */
  push(chunk: Buffer): BundleHeader | null {
    let rest = this.#whole ? this.#pending : Buffer.concat([this.#pending, chunk]);
    while (!this.#whole) {
      const end = rest.indexOf(0x0a);
      if (end < 0) break;
      if (end > LONGEST_LINE) throw badBundle('has an endless line in its header');
      this.#length += end + 1;
      this.#line(rest.toString('utf8', 0, end));
      rest = rest.subarray(end + 1);
    }
    if (!this.#whole && rest.length > LONGEST_LINE) throw badBundle('has an endless line in its header');
    if (this.#length > LONGEST_HEADER) throw badBundle('has an endless header');
    this.#pending = rest;
    return this.#whole ? this.#header : null;
  }

  #line(line: string): void {
    const header = this.#header;
    if (header === null) this.#header = firstLine(line);
    else if (line === '') {
      this.#whole = true;
      header.length = this.#length;
    } else if (line.startsWith('@') && header.version === 3) capability(header, line.slice(1));
    else reference(header, line);
  }
}

function firstLine(line: string): BundleHeader {
  const version = /^# v([0-9]+) git bundle$/.exec(line)?.[1];
  if (version === undefined) throw badBundle('is not a bundle');
  if (version !== '2' && version !== '3') throw badBundle(`is a bundle of version ${printable(version, 10)}`);
  return {
    version: version === '2' ? 2 : 3,
    format: 'sha1',
    filter: null,
    prerequisites: [],
    refs: new Map(),
    length: 0,
  };
}

// A reader must stop at a capability that it does not know: the pack may be of a kind that it cannot tell.
function capability(header: BundleHeader, text: string): void {
  const [, name, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  if (name === 'object-format' && value !== undefined && Object.hasOwn(OID_LENGTH, value))
    header.format = value;
  else if (name === 'filter' && value !== undefined) header.filter = value;
  else throw badBundle(`is a bundle with '${printable(text, 40)}'`);
}

function reference(header: BundleHeader, line: string): void {
  const [, minus, oid = '', name] = /^(-?)([0-9a-f]+)(?: (.*))?$/s.exec(line) ?? [];
  if (oid.length !== OID_LENGTH[header.format]) throw badBundle('has a broken header');
  if (minus === '-') header.prerequisites.push(oid);
  else if (name === undefined || name === '') throw badBundle('has a broken header');
  else header.refs.set(name, oid);
}

/** Writes a header that BundleHeaderReader reads. Comments behind prerequisites are not kept. */
export function writeBundleHeader(header: Omit<BundleHeader, 'length'>): Buffer {
  const { version, format, filter, prerequisites, refs } = header;
  const capabilities = [
    ...(format === 'sha1' ? [] : [`object-format=${format}`]),
    ...(filter === null ? [] : [`filter=${filter}`]),
  ];
  const lines = [
    `# v${version} git bundle`,
    ...capabilities.map((text) => `@${text}`),
    ...prerequisites.map((oid) => `-${oid} `),
    ...[...refs].map(([name, oid]) => `${oid} ${name}`),
  ];
  return Buffer.from(`${lines.join('\n')}\n\n`);
}
