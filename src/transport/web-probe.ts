import { getRemoteInfo2, type HttpClient, listServerRefs } from 'isomorphic-git';
import { Agent } from 'undici';
import { GamError } from '../errors.ts';
import { PacketDecoder } from '../pkt-line/decoder.ts';
import { objectFormat } from '../protocol/advertisement.ts';
import type { WebUrl } from '../protocol/git-url.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import type { MirrorContact } from './mirror-line.ts';
import { PREPARATION, type Probe, REFS_LIMIT, SAMPLE, Sampler, sampleRequest, sampleTip } from './probe.ts';

/** As git names itself, so that servers that look for it answer. */
const USER_AGENT = 'git/gam';

const OID = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

type Answer = Response;

function broken(
  message: string,
  code: 'mirror-broken' | 'mirror-refused' | 'mirror-unusable' | 'mirror-slow',
) {
  return new GamError(code, printable(redactText(message), 160), { tryElsewhere: true });
}

// Node trusts other authorities than the system does, and git those that the user has set up.
const CERTIFICATE = /^(?:CERT_|ERR_TLS|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/;

/** The innermost reason: undici says `fetch failed`, and why in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error
    ? cause.message || ((cause as NodeJS.ErrnoException).code ?? 'failed')
    : String(cause);
}

// The same name in two spellings would be sent as one header with two values.
function lowerCased(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

let warmed: Promise<unknown> | null = null;

// The first fetch of a process loads what fetch is made of, for a tenth of a second: no mirror's latency.
function warm(): Promise<unknown> {
  warmed ??= fetch('data:,')
    .then((answer) => answer.text())
    .catch(() => undefined);
  return warmed;
}

/** One look at one mirror: its connections, its deadlines, and what it may send. */
class Look {
  /** Milliseconds to the first byte of the first answer. */
  latency = 0;
  readonly #contact: MirrorContact;
  readonly #dispatcher: Agent;
  readonly #end = new AbortController();
  #left = REFS_LIMIT;
  #complaint: GamError | null = null;
  /** True when git may do better: it knows other certificates, and logins. */
  undecided = false;

  constructor(contact: MirrorContact) {
    this.#contact = contact;
    const { connectTimeout } = contact.settings;
    // A dispatcher of its own: no proxy of the environment, no cookies, no connection that others have opened.
    this.#dispatcher = new Agent({ connect: { timeout: connectTimeout }, headersTimeout: PREPARATION });
  }

  async close(): Promise<void> {
    this.#end.abort();
    await this.#dispatcher.destroy();
  }

  /** Ends everything when it takes longer; the complaint is what the user is told then. */
  async within<T>(milliseconds: number, what: string, work: Promise<T>): Promise<T> {
    const timer = setTimeout(() => {
      this.#complaint ??= broken(`${what} within ${milliseconds / 1000} s`, 'mirror-slow');
      this.#end.abort();
    }, milliseconds);
    try {
      return await work;
    } catch (error) {
      this.#contact.signal.throwIfAborted();
      throw this.#complaint ?? error;
    } finally {
      clearTimeout(timer);
    }
  }

  async request(
    url: string,
    method: string,
    headers: Record<string, string>,
    body?: Buffer,
  ): Promise<Answer> {
    const signal = AbortSignal.any([this.#contact.signal, this.#end.signal]);
    const started = performance.now();
    const answer = await fetch(url, {
      method,
      headers: { ...lowerCased(headers), 'user-agent': USER_AGENT, 'git-protocol': 'version=2' },
      redirect: 'manual',
      credentials: 'omit',
      // node's types know its own undici only, whose dispatchers are older.
      dispatcher: this.#dispatcher as unknown as NonNullable<RequestInit['dispatcher']>,
      signal,
      ...(body === undefined ? {} : { body }),
    });
    if (this.latency === 0) this.latency = performance.now() - started;
    // Whoever follows one is led to a host that nobody has named; git fetches refuse it as well.
    if (answer.status >= 300 && answer.status < 400)
      throw this.#fail(broken('redirects, which is refused', 'mirror-broken'));
    if (answer.status === 401) this.undecided = true;
    if (answer.status !== 200)
      throw this.#fail(broken(`answers with http status ${answer.status}`, 'mirror-refused'));
    return answer;
  }

  /** The body of an answer, counted; whatever is beyond the limit, unpacked or not, is not read. */
  async *chunks(answer: Answer): AsyncGenerator<Uint8Array> {
    for await (const chunk of answer.body ?? []) {
      const bytes = chunk as Uint8Array;
      this.#left -= bytes.length;
      if (this.#left < 0) throw this.#fail(broken('sent an endless answer', 'mirror-broken'));
      yield bytes;
    }
  }

  /** isomorphic-git's way to the web, which is this look's. */
  readonly client: HttpClient = {
    request: async ({ url, method = 'GET', headers = {}, body }) => {
      const sent: Uint8Array[] = [];
      for await (const piece of body ?? []) sent.push(piece);
      const answer = await this.request(
        url,
        method,
        headers,
        body === undefined ? undefined : Buffer.concat(sent),
      );
      return {
        url: answer.url,
        method,
        headers: Object.fromEntries(answer.headers),
        body: this.chunks(answer),
        statusCode: answer.status,
        statusMessage: answer.statusText,
      };
    },
  };

  // isomorphic-git puts errors of its own in the place of some.
  #fail(error: GamError): GamError {
    this.#complaint ??= error;
    return error;
  }

  /** What went wrong, in a few words. */
  tell(error: unknown): GamError {
    this.#contact.signal.throwIfAborted();
    const { code } = (error instanceof Error ? (error.cause ?? error) : {}) as { code?: unknown };
    if (typeof code === 'string' && CERTIFICATE.test(code)) this.undecided = true;
    if (this.#complaint !== null) return this.#complaint;
    return error instanceof GamError ? error : broken(reasonOf(error), 'mirror-refused');
  }
}

function advertised(capabilities: Readonly<Record<string, string | true>>): Map<string, string | null> {
  return new Map(Object.entries(capabilities).map(([name, value]) => [name, value === true ? null : value]));
}

async function sampled(look: Look, url: string, body: Buffer): Promise<Probe['sample']> {
  const answer = await look.request(
    `${url}/git-upload-pack`,
    'POST',
    {
      'content-type': 'application/x-git-upload-pack-request',
      accept: 'application/x-git-upload-pack-result',
    },
    body,
  );
  const decoder = new PacketDecoder();
  const sampler = new Sampler();
  for await (const chunk of look.chunks(answer)) {
    for (const packet of decoder.push(Buffer.from(chunk))) if (sampler.take(packet)) return sampler.result;
  }
  return sampler.result;
}

/**
 * Looks at an http(s) mirror without starting git: info/refs and ls-refs by isomorphic-git, over undici. No credential
 * is sent, nothing is followed, and time and size are bounded.
 * @param inTurn as for probeLine()
 * @returns null where only git can tell: a login is asked for, or a certificate is not known here
 * @throws GamError with `tryElsewhere`, and the reason in a few words
 */
export async function probeWeb(
  { url }: WebUrl,
  contact: MirrorContact,
  inTurn: <T>(task: () => Promise<T>) => Promise<T>,
): Promise<Probe | null> {
  await warm();
  const look = new Look(contact);
  const { connectTimeout } = contact.settings;
  try {
    const http = look.client;
    const info = await look.within(
      connectTimeout,
      'no answer',
      getRemoteInfo2({ http, url, protocolVersion: 2 }),
    );
    if (info.protocolVersion !== 2) throw broken('does not speak protocol v2', 'mirror-unusable');
    const advertisement = { capabilities: advertised(info.capabilities) };
    const format = objectFormat(advertisement);
    if (format !== 'sha1') throw broken(`has ${format} objects`, 'mirror-unusable');
    const listed = await look.within(
      PREPARATION,
      'no list of refs',
      listServerRefs({ http, url, protocolVersion: 2 }),
    );
    const refs = new Map(listed.flatMap(({ ref, oid }) => (OID.test(oid) ? [[ref, oid] as const] : [])));
    const request = Buffer.concat(sampleRequest(advertisement, sampleTip(refs)).map(({ raw }) => raw));
    const sample = await inTurn(() =>
      look.within(PREPARATION + SAMPLE.ms, 'no pack', sampled(look, url, request)),
    );
    contact.note(url, { kind: 'greeting', ms: look.latency });
    return { latency: look.latency, refs, sample };
  } catch (error) {
    const told = look.tell(error);
    if (look.undecided) return null;
    throw told;
  } finally {
    await look.close();
  }
}
