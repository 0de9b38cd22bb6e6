import { type Packet, packetLine } from '../pkt-line/packet.ts';
import { badRequest } from '../protocol/mirror-list-request.ts';
import { printable } from '../protocol/text.ts';

/**
 * One capability of protocol v2, as a row of git's own table (serve.c, `struct protocol_capability`). What a server of gam's
 * can do beside git's upload-pack is a table of these; a new one is a new row.
 */
export interface Capability {
  name: string;
  /** The value that the greeting gives it, '' for the name alone; null where nothing is added to the greeting. */
  advertise(): string | null;
  /**
   * Takes what a client says of it in the head of a request; null for one that may not stand there.
   * @throws GamError `bad-request` where that cannot be
   */
  receive: ((value: string | null) => void) | null;
  /**
   * Answers a request for it, from its first packet to its flush; null for one that is no command.
   * @throws GamError `bad-request` for arguments that cannot be
   */
  command: ((request: readonly Packet[]) => Promise<Packet[]>) | null;
}

/** The lines that a table adds to a greeting. */
export function advertisedLines(table: readonly Capability[]): string[] {
  return table.flatMap((capability) => {
    const value = capability.advertise();
    if (value === null) return [];
    return [value === '' ? capability.name : `${capability.name}=${value}`];
  });
}

/** The row of a command, where the table has it. */
export function commandNamed(table: readonly Capability[], name: string): Capability | null {
  return table.find((row) => row.name === name && row.command !== null) ?? null;
}

/**
 * Answers a request for a command of the table. A line in its head that no row knows is one of git's own, such as the agent.
 * @throws GamError `bad-request` where git's upload-pack would die of the like
 */
export async function answerCommand(
  table: readonly Capability[],
  { command }: Capability,
  request: readonly Packet[],
): Promise<Packet[]> {
  const end = request.findIndex(({ kind }) => kind !== 'data');
  const head = request.slice(0, end).flatMap((packet) => packetLine(packet) ?? []);
  for (const line of head.filter((one) => !one.startsWith('command='))) {
    const [name = '', ...rest] = line.split('=');
    const row = table.find((capability) => capability.name === name);
    if (row === undefined) continue;
    if (row.receive === null) throw badRequest(`unknown capability '${printable(line, 80)}'`);
    row.receive(rest.length === 0 ? null : rest.join('='));
  }
  return (await command?.(request)) ?? [];
}
