/** What git's trace of a conversation over the web tells of its server (git(1), GIT_TRACE_CURL). */
export class WebTrace {
  /** The status of the last answer that came from the server itself, and not from a proxy on the way to it. */
  status: number | null = null;
  /** Where the last answer leads to, when it leads elsewhere. */
  location: string | null = null;
  /**
   * git's own word for what went wrong: the first one, which is of whoever it went wrong for. Of a full disk index-pack says that it is
   * full, and then fetch-pack that index-pack has said nothing that it understands.
   */
  words = '';
  readonly #heard: () => void;
  #toProxy = false;
  #rest = '';

  /** @param heard is called when the server has begun to answer */
  constructor(heard: () => void) {
    this.#heard = heard;
  }

  /** Takes what git has written to its standard error. */
  add(text: string): void {
    const lines = (this.#rest + text).split(/[\r\n]+/);
    // No line of the trace is as long; what a server has said for progress may be.
    this.#rest = (lines.pop() ?? '').slice(-LONGEST_LINE);
    for (const line of lines) this.#read(line);
  }

  #read(line: string): void {
    const [, direction, header = ''] = HEADER.exec(line) ?? [];
    if (direction === undefined) {
      if (this.words === '' && /^(?:error|fatal): /.test(line)) this.words = line;
    } else if (direction === '=> Send') {
      const [method] = /^[A-Z]+(?= )/.exec(header) ?? [];
      if (method !== undefined) this.#toProxy = method === 'CONNECT';
    } else if (!this.#toProxy) {
      this.#answered(header);
    }
  }

  #answered(header: string): void {
    const [, status] = /^HTTP\/[0-9.]+ ([0-9]{3})\b/.exec(header) ?? [];
    if (status !== undefined) {
      this.status = Number(status);
      this.location = null;
      this.#heard();
    }
    const isRedirect = this.status !== null && REDIRECTS.has(this.status);
    if (isRedirect) this.location = /^location:\s*(.*?)\s*$/i.exec(header)?.[1] ?? this.location;
  }
}

const LONGEST_LINE = 16_384;

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

const HEADER = /^[0-9:.]+ http\.c:[0-9]+\s+(<= Recv|=> Send) header: (.*)$/;
