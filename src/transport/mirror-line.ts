import type { Readable } from 'node:stream';
import type { ConfigEntry } from '../config/entries.ts';
import type { Settings } from '../config/settings.ts';
import { GamError } from '../errors.ts';
import { type Environment, withoutRepository } from '../git/environment.ts';
import { type Addresses, namesHostOnly } from '../mirror/host-mirror.ts';
import type { Observation } from '../mirror/measure.ts';
import type { Packet } from '../pkt-line/packet.ts';
import { type Advertisement, parseAdvertisement } from '../protocol/advertisement.ts';
import { type GitUrl, parseGitUrl, type WebUrl } from '../protocol/git-url.ts';
import { redactText } from '../protocol/redact.ts';
import { printable } from '../protocol/text.ts';
import { barring } from './barring.ts';
import type { Connection, Opening } from './connection.ts';
import { openDaemon } from './daemon.ts';
import { openAtHost } from './host-mirror-line.ts';
import { PacketSource } from './packet-source.ts';
import { Deadline, within } from './patience.ts';
import { processConnection } from './process-connection.ts';
import type { ReadyLine } from './ready-line.ts';
import { openSsh } from './ssh.ts';
import { mirrorEnvironment, webMirrorConfig } from './wall.ts';

/** ssh must not ask, forward or be led elsewhere by the mirror. */
const SSH_OPTIONS = ['-o', 'BatchMode=yes', '-o', 'ForwardAgent=no', '-o', 'ClearAllForwardings=yes'];

/** The longest greeting that a server may send. */
const GREETING_LIMIT = 64 * 1024;

/** What a mirror is contacted with. */
export interface MirrorContact {
  entries: readonly ConfigEntry[];
  env: Environment;
  settings: Settings;
  signal: AbortSignal;
  /** Takes what is seen of a mirror, to be remembered. */
  note: (url: string, seen: Observation) => void;
  /** What was started ahead. */
  ready?: ReadyLine;
  /** Where mirrors that are named by their host only have canonical; without it they are taken for a repository. */
  addresses?: Addresses;
}

/** An open line to a mirror that has said what it can do. */
export interface MirrorLine {
  /** The mirror's, as it was given. */
  url: string;
  kind: GitUrl['kind'];
  advertisement: Advertisement;
  source: PacketSource;
  stateless: boolean;
  /** Milliseconds from the start of contact to the greeting. */
  latency: number;
  send(packets: readonly Packet[]): Promise<void>;
  close(): void;
}

/** Starts git's web helper for a mirror. */
function startWeb(url: WebUrl, { entries, env }: MirrorContact, signal: AbortSignal): Connection {
  const own = mirrorEnvironment(env);
  const config = webMirrorConfig(url, entries);
  const words = [...config.args, `remote-${url.scheme}`, url.url, url.url];
  const opening = { stderr: 'pipe', signal } as const;
  return { ...processConnection('git', words, { ...own, ...config.env }, opening), stateless: true };
}

function open(
  mirrorUrl: string,
  url: GitUrl,
  contact: MirrorContact,
  signal: AbortSignal,
): Promise<Connection> | Connection {
  const env = mirrorEnvironment(contact.env);
  const { entries } = contact;
  const opening: Opening = {
    service: 'git-upload-pack',
    version: 2,
    family: undefined,
    entries,
    env,
    stderr: 'pipe',
    signal,
  };
  switch (url.kind) {
    case 'web':
      return contact.ready?.take(mirrorUrl, signal) ?? startWeb(url, contact, signal);
    case 'ssh':
      return openSsh(url, opening, SSH_OPTIONS);
    case 'git':
      return openDaemon(url, opening);
    case 'file':
      return processConnection(
        'git',
        ['upload-pack', '--', url.path],
        { ...withoutRepository(env), GIT_PROTOCOL: 'version=2' },
        opening,
      );
  }
}

async function lastLine(stderr: Readable | null): Promise<string> {
  let text = '';
  for await (const chunk of stderr ?? []) text = (text + String(chunk)).slice(-2048);
  const last =
    text
      .trimEnd()
      .split(/[\r\n]+/)
      .at(-1)
      ?.trim() ?? '';
  return printable(redactText(last.replace(/^(?:fatal|error): /, '')), 160);
}

async function greet(
  connection: Connection,
  source: PacketSource,
  patience: Deadline,
): Promise<Advertisement> {
  if (connection.stateless) {
    connection.input.write('stateless-connect git-upload-pack\n');
    const answer = await source.textLine(patience);
    if (answer === null) throw new GamError('mirror-refused', 'hung up', { tryElsewhere: true });
    if (answer !== '')
      throw new GamError('mirror-unusable', 'does not speak protocol v2', { tryElsewhere: true });
  }
  const advertisement = parseAdvertisement(await source.lines(patience, GREETING_LIMIT));
  if (advertisement) return advertisement;
  throw new GamError('mirror-unusable', 'does not speak protocol v2', { tryElsewhere: true });
}

// Nothing that leads to a mirror is started where it may not be contacted.
function allowedUrl(mirrorUrl: string, { entries, env }: MirrorContact): GitUrl {
  const url = parseGitUrl(mirrorUrl);
  const refusal = barring(url, entries, env);
  if (refusal === null) return url;
  throw new GamError('mirror-barred', refusal, { tryElsewhere: true });
}

/**
 * Starts, behind the credential wall, what will lead to a web mirror, without contacting it: the next openMirror() of the
 * same contact takes it up. Does nothing for other mirrors, and where that one must not be used.
 */
export function readyMirror(mirrorUrl: string, contact: MirrorContact): void {
  try {
    const at = contact.addresses?.recall(mirrorUrl)?.address ?? mirrorUrl;
    const url = allowedUrl(at, contact);
    if (url.kind === 'web') contact.ready?.begin(at, (signal) => startWeb(url, contact, signal));
  } catch {
    // Whoever opens it hears why not.
  }
}

/**
 * Opens a line to a mirror behind the credential wall and reads its greeting. One that is named by its host only is asked
 * where it has canonical before (openAtHost()).
 * @throws GamError with `tryElsewhere` when the mirror must not or cannot be used; its message is the reason,
 *   in a few words, without the URL
 */
export async function openMirror(mirrorUrl: string, contact: MirrorContact): Promise<MirrorLine> {
  const { addresses, note, settings } = contact;
  const patience = new Deadline(settings.connectTimeout, 'no answer');
  const line = (url: string) => openLine(url, contact, patience);
  const isAsked = addresses !== undefined && namesHostOnly(mirrorUrl);
  const opened = isAsked ? await openAtHost(mirrorUrl, addresses, patience, line) : await line(mirrorUrl);
  note(mirrorUrl, { kind: 'greeting', ms: opened.latency });
  return { ...opened, url: mirrorUrl };
}

async function openLine(mirrorUrl: string, contact: MirrorContact, patience: Deadline): Promise<MirrorLine> {
  const url = allowedUrl(mirrorUrl, contact);
  const started = performance.now();
  const giveUp = new AbortController();
  const signal = AbortSignal.any([contact.signal, giveUp.signal]);
  try {
    const connection = await within(
      Promise.resolve(open(mirrorUrl, url, contact, signal)),
      patience,
      () => 0,
    );
    const words = lastLine(connection.stderr);
    words.catch(() => undefined);
    const source = new PacketSource(connection.output);
    const advertisement = await greet(connection, source, patience).catch(async (error: unknown) => {
      const told = error instanceof GamError && ['mirror-refused', 'mirror-broken'].includes(error.code);
      const why = told
        ? await within(words, new Deadline(1000, 'no last words'), () => 0).catch(() => '')
        : '';
      connection.close();
      throw why === '' ? error : new GamError('mirror-refused', why, { tryElsewhere: true, cause: error });
    });
    const latency = performance.now() - started;
    return {
      url: mirrorUrl,
      kind: url.kind,
      advertisement,
      source,
      stateless: connection.stateless,
      latency,
      send: (packets) => send(connection, packets),
      close: () => {
        connection.input.destroy();
        connection.close();
      },
    };
  } catch (error) {
    giveUp.abort();
    throw error;
  }
}

function send(connection: Connection, packets: readonly Packet[]): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.input.write(Buffer.concat(packets.map((packet) => packet.raw)), (error) => {
      if (error) reject(new GamError('mirror-broken', 'hung up', { tryElsewhere: true, cause: error }));
      else resolve();
    });
  });
}
