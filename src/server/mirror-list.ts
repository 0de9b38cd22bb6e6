import { lastValue } from '../config/entries.ts';
import type { ListSettings } from '../config/mirror-list.ts';
import type { ListClient } from '../mirror/list-order.ts';
import { offeredList } from '../mirror/offered-list.ts';
import { FLUSH, linePacket } from '../pkt-line/encode.ts';
import { type MirrorList, writeMirrorList } from '../protocol/mirror-list.ts';
import {
  badRequest,
  MIRROR_LIST,
  type MirrorListRequest,
  parseMirrorListRequest,
} from '../protocol/mirror-list-request.ts';
import { printable } from '../protocol/text.ts';
import type { Capability } from './capability.ts';
import type { FindHere } from './carried-list.ts';
import type { ToldList } from './lists.ts';

/** Tells who asks and, where the policy needs it, where that is. Called when a list is asked for, and not before. */
export type LookAtClient = (settings: ListSettings) => Promise<ListClient>;

// git's serve.c looks at this for each command, whatever it is.
function objectFormat(format: string): Capability {
  return {
    name: 'object-format',
    // git says it itself.
    advertise: () => null,
    receive(value) {
      if (value === format) return;
      throw badRequest(`mismatched object format: server ${format}; client ${printable(value ?? '', 20)}`);
    },
    command: null,
  };
}

/** The row of a list, wherever that comes from. */
export function listRow(tell: (asked: MirrorListRequest) => Promise<MirrorList>): Capability {
  return {
    name: MIRROR_LIST,
    advertise: () => '',
    receive: null,
    async command(request) {
      const list = await tell(parseMirrorListRequest(request));
      return [...writeMirrorList(list).map(([key, value]) => linePacket(`${key}=${value}`)), FLUSH];
    },
  };
}

/**
 * The row that tells a list, whatever repository it is about.
 * @param here finds what of it this server has itself; null where its URL is not known
 */
export function mirrorListRow(
  list: ToldList,
  lookAtClient: LookAtClient,
  here: FindHere | null = null,
): Capability {
  return listRow((asked) => askedList(list, asked, lookAtClient, here));
}

/** The list that a repository's configuration has for whoever asks. */
export async function askedList(
  { settings, entries, stale = null }: ToldList,
  asked: MirrorListRequest,
  lookAtClient: LookAtClient,
  here: FindHere | null,
): Promise<MirrorList> {
  const own = asked.url === null || here === null ? [] : await here(asked.url);
  return offeredList(settings, entries, asked, await lookAtClient(settings), Date.now(), own, stale);
}

/** What is told of a repository beside what git's upload-pack tells; nothing where its list is not enabled. */
export function mirrorListCapabilities(
  list: ToldList,
  lookAtClient: LookAtClient,
  here: FindHere | null = null,
): Capability[] {
  if (!list.settings.enabled) return [];
  const format = lastValue(list.entries, 'extensions', null, 'objectformat')?.toLowerCase() ?? 'sha1';
  return [objectFormat(format), mirrorListRow(list, lookAtClient, here)];
}
