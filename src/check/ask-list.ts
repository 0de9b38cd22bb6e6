import { type ConfigEntry, lastValue } from '../config/entries.ts';
import { GamError } from '../errors.ts';
import type { Environment } from '../git/environment.ts';
import type { Target } from '../mirror/listing.ts';
import { linePacket } from '../pkt-line/encode.ts';
import { type Advertisement, formatLines, parseAdvertisement } from '../protocol/advertisement.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { type MirrorList, parseMirrorList } from '../protocol/mirror-list.ts';
import { listedVariable, MIRROR_LIST, writeMirrorListRequest } from '../protocol/mirror-list-request.ts';
import { redactUrl } from '../protocol/redact.ts';
import { isTransportAllowed, transportName } from '../transport/allowed.ts';
import { openCanonical, webLine } from '../transport/canonical-line.ts';
import type { Connection } from '../transport/connection.ts';
import { PacketSource } from '../transport/packet-source.ts';
import { Deadline } from '../transport/patience.ts';
import { startWebHelper, webHelper } from '../transport/web.ts';

/** What canonical is asked with. */
export interface ListAsking {
  entries: readonly ConfigEntry[];
  env: Environment;
  /** Ends it, with its children. */
  signal: AbortSignal;
}

/** How long canonical may take to greet, in milliseconds; a login may be asked for. To answer then, as long again. */
const PATIENCE_MS = 60_000;

/** The most bytes of a greeting, and of a list. */
const LONGEST = { greeting: 64 * 1024, list: 1024 ** 2 };

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

async function greeting(source: PacketSource, stateless: boolean): Promise<Advertisement | null> {
  const patience = new Deadline(PATIENCE_MS, 'no answer');
  const opened = stateless ? await source.textLine(patience) : '';
  if (opened === null) throw new GamError('canonical-failed', 'canonical does not answer');
  return opened === '' ? parseAdvertisement(await source.lines(patience, LONGEST.greeting)) : null;
}

/**
 * Asks canonical for its list of mirrors, over a line of its own.
 * @returns null where it has none
 * @throws GamError `canonical-failed` when it cannot be reached or answers nothing sensible
 */
export async function askForList(target: Target, asking: ListAsking): Promise<MirrorList | null> {
  let line: Connection | null = null;
  try {
    line = await open(target, asking);
    const source = new PacketSource(line.output);
    const greeted = await greeting(source, line.stateless);
    if (!greeted?.capabilities.has(MIRROR_LIST)) return null;
    const request = writeMirrorListRequest({ url: null, skip: 0 }, formatLines(greeted));
    line.input.write(Buffer.concat(request.map(({ raw }) => raw)));
    const lines = await source.lines(new Deadline(PATIENCE_MS, 'no answer'), LONGEST.list);
    const variables = lines.map((one) => listedVariable(linePacket(one)));
    return parseMirrorList(variables.filter((variable) => variable !== null));
  } catch (error) {
    asking.signal.throwIfAborted();
    if (!(error instanceof GamError)) throw error;
    const url = redactUrl(target.canonical);
    throw new GamError('canonical-failed', `${url}: ${error.message}`, { url, cause: error });
  } finally {
    line?.input.end();
    line?.close();
  }
}
