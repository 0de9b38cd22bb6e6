import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GamError } from '../errors.ts';
import { readPublishedList } from '../git/published-list.ts';
import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { type Advertisement, formatLines, objectFormat } from '../protocol/advertisement.ts';
import { parseRefLine } from '../protocol/ls-refs.ts';
import { badMirrorList, type MirrorList } from '../protocol/mirror-list.ts';
import {
  LONGEST_PUBLISHED,
  PUBLISHED_REF,
  PublishedAnswer,
  writePublishedRequest,
} from '../protocol/published-list.ts';
import type { ListAsking } from './ask-list.ts';
import type { OpenedLine } from './opened-line.ts';

/** What is published at a repository's refs/meta/mirrors. */
export interface Published {
  commit: string;
  /** The list, or why it is none. */
  list: MirrorList | GamError;
}

/**
 * Asks canonical for the list that is published there, over a line that is open.
 * @returns null where nothing is published
 * @throws GamError when canonical answers nothing sensible
 */
export async function askPublished(
  line: OpenedLine,
  greeted: Advertisement,
  asking: ListAsking,
): Promise<Published | null> {
  const format = formatLines(greeted);
  const head = ['command=ls-refs', ...format].map(linePacket);
  const refs = await line.lines(
    [...head, DELIM, linePacket(`ref-prefix ${PUBLISHED_REF}`), FLUSH],
    LONGEST_PUBLISHED,
  );
  const commit = refs.map(parseRefLine).find((ref) => ref?.name === PUBLISHED_REF)?.oid ?? null;
  if (commit === null) return null;
  try {
    const features = greeted.capabilities.get('fetch')?.split(' ') ?? [];
    if (!features.includes('shallow')) throw badMirrorList('would come with all before it');
    const answer = new PublishedAnswer();
    await line.packets(writePublishedRequest(commit, format), (packet) => answer.packet(packet));
    return { commit, list: await read(answer.pack, commit, objectFormat(greeted), asking) };
  } catch (error) {
    if (error instanceof GamError && error.code === 'bad-mirror-list') return { commit, list: error };
    throw error;
  }
}

async function read(
  pack: Buffer,
  commit: string,
  format: string,
  { env, pid, signal }: ListAsking,
): Promise<MirrorList> {
  const objects = await mkdtemp(join(tmpdir(), 'gam-'));
  try {
    return await readPublishedList(pack, commit, format, { objects, env, pid, signal });
  } finally {
    await rm(objects, { recursive: true, force: true });
  }
}
