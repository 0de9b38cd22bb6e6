import { type ConfigEntry, lastValue } from '../config/entries.ts';
import type { ListSettings } from '../config/mirror-list.ts';
import type { ListClient } from '../mirror/list-order.ts';
import { offeredList } from '../mirror/offered-list.ts';
import { FLUSH, linePacket } from '../pkt-line/encode.ts';
import { writeMirrorList } from '../protocol/mirror-list.ts';
import { badRequest, MIRROR_LIST, parseMirrorListRequest } from '../protocol/mirror-list-request.ts';
import { printable } from '../protocol/text.ts';
import type { Capability } from './capability.ts';

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

/**
 * The row that tells a list, whatever repository it is about.
 * @param stale as offeredList() takes it
 */
export function mirrorListRow(
  settings: ListSettings,
  entries: readonly ConfigEntry[],
  lookAtClient: LookAtClient,
  stale: number | null = null,
): Capability {
  return {
    name: MIRROR_LIST,
    advertise: () => '',
    receive: null,
    async command(request) {
      const asked = parseMirrorListRequest(request);
      const client = await lookAtClient(settings);
      const list = offeredList(settings, entries, asked, client, Date.now(), stale);
      return [...writeMirrorList(list).map(([key, value]) => linePacket(`${key}=${value}`)), FLUSH];
    },
  };
}

/**
 * What is told of a repository beside what git's upload-pack tells; nothing where its list is not enabled.
 * @param entries the configuration of the served repository
 */
export function mirrorListCapabilities(
  settings: ListSettings,
  entries: readonly ConfigEntry[],
  lookAtClient: LookAtClient,
  stale: number | null = null,
): Capability[] {
  if (!settings.enabled) return [];
  const format = lastValue(entries, 'extensions', null, 'objectformat')?.toLowerCase() ?? 'sha1';
  return [objectFormat(format), mirrorListRow(settings, entries, lookAtClient, stale)];
}
