import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import type { Target } from '../mirror/listing.ts';
import { linePacket } from '../pkt-line/encode.ts';
import { type Advertisement, formatLines } from '../protocol/advertisement.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { type MirrorList, parseMirrorList } from '../protocol/mirror-list.ts';
import { listedVariable, MIRROR_LIST, writeMirrorListRequest } from '../protocol/mirror-list-request.ts';
import { redactUrl } from '../protocol/redact.ts';
import { isTransportAllowed, transportName } from '../transport/allowed.ts';
import { openCanonical, webLine } from '../transport/canonical-line.ts';
import type { Connection } from '../transport/connection.ts';
import { startWebHelper, webHelper } from '../transport/web.ts';
import { askPublished, type Published } from './ask-published.ts';
import { OpenedLine } from './opened-line.ts';

/** What canonical is asked with. */
export interface ListAsking {
  entries: readonly ConfigEntry[];
  env: Environment;
  pid: number;
  /** Ends it, with its children. */
  signal: AbortSignal;
}

/** The most bytes of a list. */
const LONGEST_LIST = 1024 ** 2;

/** The lists that canonical has. */
export interface AskedLists {
  /** Its own; null where it has none. */
  server: MirrorList | null;
  /** The one that is published there; null where none is. */
  published: Published | null;
}

async function open(
  { remote, canonical }: Target,
  { entries, env, signal }: ListAsking,
): Promise<Connection> {
  const url = parseGitUrl(canonical);
  const transport = transportName(url);
  if (!isTransportAllowed(transport, entries, env))
    throw new GamError('transport-not-allowed', `transport '${transport}' not allowed`);
  if (url.kind === 'web') {
    const web = startWebHelper(webHelper(remote ?? canonical, url, env), env);
    signal.addEventListener('abort', () => web.end(), { once: true });
    web.input.write('stateless-connect git-upload-pack\n');
    return webLine(web);
  }
  const named = remote === null ? undefined : lastValue(entries, 'remote', remote, 'uploadpack');
  const service = named ?? 'git-upload-pack';
  return openCanonical(url, {
    service,
    version: 2,
    family: undefined,
    entries,
    env,
    stderr: 'inherit',
    signal,
  });
}

async function askServer(line: OpenedLine, greeted: Advertisement): Promise<MirrorList | null> {
  if (!greeted.capabilities.has(MIRROR_LIST)) return null;
  const request = writeMirrorListRequest({ url: null, skip: 0 }, formatLines(greeted));
  const variables = (await line.lines(request, LONGEST_LIST)).map((one) => listedVariable(linePacket(one)));
  return parseMirrorList(variables.filter((variable) => variable !== null));
}

/**
 * Asks canonical for its list of mirrors, and for the one that is published there, over a line of its own.
 * @returns neither where it speaks an older protocol than v2
 * @throws GamError `canonical-failed` when it cannot be reached or answers nothing sensible
 */
export async function askForLists(target: Target, asking: ListAsking): Promise<AskedLists> {
  let connection: Connection | null = null;
  try {
    connection = await open(target, asking);
    const line = new OpenedLine(connection);
    const greeted = await line.greeting();
    if (greeted === null) return { server: null, published: null };
    const server = await askServer(line, greeted);
    return { server, published: await askPublished(line, greeted, asking) };
  } catch (error) {
    asking.signal.throwIfAborted();
    if (!(error instanceof GamError)) throw error;
    const url = redactUrl(target.canonical);
    throw new GamError('canonical-failed', `${url}: ${error.message}`, { url, cause: error });
  } finally {
    connection?.input.end();
    connection?.close();
  }
}
