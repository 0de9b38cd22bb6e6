import { DELIM, FLUSH, linePacket } from '../pkt-line/encode.ts';
import { type Packet, packetLine } from '../pkt-line/packet.ts';
import type { Advertisement } from './advertisement.ts';

/** A protocol v2 `fetch` request, its lines in the order git sent them (gitprotocol-v2(5), "fetch"). */
export interface FetchRequest {
  /** `command=fetch` and the capability lines behind it. */
  capabilities: readonly string[];
  arguments: readonly string[];
}

/** The command that a request of packets carries; null for a lone flush. */
export function requestedCommand(packets: readonly Packet[]): string | null {
  const line = packets[0] === undefined ? null : packetLine(packets[0]);
  return line?.startsWith('command=') ? line.slice('command='.length) : null;
}

/** Takes a fetch request out of its packets. */
export function parseFetchRequest(packets: readonly Packet[]): FetchRequest {
  const delim = packets.findIndex((packet) => packet.kind === 'delim');
  const lines = (part: readonly Packet[]) => part.map(packetLine).filter((line) => line !== null);
  if (delim < 0) return { capabilities: lines(packets), arguments: [] };
  return { capabilities: lines(packets.slice(0, delim)), arguments: lines(packets.slice(delim)) };
}

/** Writes the packets that parseFetchRequest() reads. */
export function writeFetchRequest(request: FetchRequest): Packet[] {
  return [...request.capabilities.map(linePacket), DELIM, ...request.arguments.map(linePacket), FLUSH];
}

/** What follows a keyword in the arguments, e.g. the ids of `want` or `have`. */
export function argumentValues(request: FetchRequest, keyword: string): string[] {
  return request.arguments.filter((a) => a.startsWith(`${keyword} `)).map((a) => a.slice(keyword.length + 1));
}

/** Whether the request has an argument that is or starts with one of these keywords. */
export function hasArgument(request: FetchRequest, ...keywords: readonly string[]): boolean {
  return request.arguments.some((a) => keywords.includes(a.split(' ', 1)[0] ?? ''));
}

/** The hash of the object ids in a request; SHA-1 unless it says otherwise. */
export function requestedFormat({ capabilities }: FetchRequest): string {
  return capabilities.find((line) => line.startsWith('object-format='))?.split('=')[1] ?? 'sha1';
}

/** Capabilities that git names in a request where the server has, and leaves out where it has not (gitprotocol-v2(5)). */
const MATTER_OF_COURSE = new Set(['agent', 'object-format', 'session-id']);

/** A request as git would have written it for a server that greets so: filters are left out where it has none (fetch-pack.c). */
export function fittedRequest(request: FetchRequest, { capabilities }: Advertisement): FetchRequest {
  const offered = (line: string) => {
    const name = line.split('=', 1)[0] ?? '';
    return !MATTER_OF_COURSE.has(name) || capabilities.has(name);
  };
  const filters = (capabilities.get('fetch') ?? '').split(' ').includes('filter');
  return {
    capabilities: request.capabilities.filter(offered),
    arguments: request.arguments.filter((a) => filters || !a.startsWith('filter ')),
  };
}
