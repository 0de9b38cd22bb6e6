import { GamError } from '../errors.ts';
import { type Addresses, namesHostOnly, readAddress } from '../mirror/host-mirror.ts';
import { linePacket } from '../pkt-line/encode.ts';
import { formatLines } from '../protocol/advertisement.ts';
import { parseGitUrl } from '../protocol/git-url.ts';
import { parseMirrorList } from '../protocol/mirror-list.ts';
import { listedVariable, MIRROR_LIST, writeMirrorListRequest } from '../protocol/mirror-list-request.ts';
import { redactUrl } from '../protocol/redact.ts';
import type { MirrorLine } from './mirror-line.ts';
import type { Patience } from './patience.ts';

/** The most bytes that the answer may take: 64 URLs are a tenth of it. */
const LONGEST_ANSWER = 1024 ** 2;

/** Opens a line to a URL. */
type Open = (url: string) => Promise<MirrorLine>;

function lacking(canonical: string): GamError {
  return new GamError('mirror-behind', `does not carry ${redactUrl(canonical)}`, { tryElsewhere: true });
}

function unusable(why: string): GamError {
  return new GamError('mirror-unusable', why, { tryElsewhere: true });
}

async function ask(line: MirrorLine, canonical: string, patience: Patience) {
  const { advertisement, source, stateless, url } = line;
  await line.send(writeMirrorListRequest({ url: canonical, skip: 0 }, formatLines(advertisement)));
  const lines = await source.lines(patience, LONGEST_ANSWER);
  // The answer ends with a response-end packet on a stateless line; the next read must not meet it.
  if (stateless) await source.packet(patience);
  const variables = lines.map((one) => listedVariable(linePacket(one))).filter((one) => one !== null);
  const mirror = parseGitUrl(url);
  if (mirror.kind !== 'web') throw unusable('cannot be asked where it has a repository');
  return readAddress(parseMirrorList(variables), mirror, canonical, Date.now());
}

/**
 * Opens the line to a mirror that is named by its host only: it is asked where it has canonical (`url=`), once in the time for
 * which its answer is good. A host without that capability that has a repository of its own there is taken for that.
 *
 * @param open opens a line to a URL of that host, behind the wall
 * @param patience for the answer, and the lines
 * @throws GamError with `tryElsewhere`, `mirror-behind` where it does not carry canonical
 */
export async function openAtHost(
  hostUrl: string,
  addresses: Addresses,
  patience: Patience,
  open: Open,
): Promise<MirrorLine> {
  const { canonical } = addresses;
  if (canonical === null) return open(hostUrl);
  const kept = addresses.recall(hostUrl);
  if (kept?.address === null) throw lacking(canonical);
  if (kept) {
    try {
      return await open(kept.address);
    } catch (error) {
      // The clone may be at another place by now, or gone.
      if (!(error instanceof GamError) || error.code !== 'mirror-refused') throw error;
      addresses.forget(hostUrl);
    }
  }
  const line = await open(hostUrl);
  const { capabilities } = line.advertisement;
  const hasRepository = capabilities.has('fetch');
  try {
    if (!capabilities.has(MIRROR_LIST)) {
      if (hasRepository) return line;
      throw unusable('has no repository there, and cannot be asked for one');
    }
    const answered = await ask(line, canonical, patience);
    if (answered.kind === 'elsewhere') throw unusable('names a place that is not its own');
    // A repository at the root that says nothing of canonical was named as a mirror by somebody who may know better.
    if (answered.kind === 'lacks' && hasRepository) return line;
    await addresses.keep(hostUrl, answered.known);
    if (answered.kind === 'lacks') throw lacking(canonical);
    if (namesHostOnly(answered.known.address)) return line;
    line.close();
    return await open(answered.known.address);
  } catch (error) {
    line.close();
    throw error;
  }
}
